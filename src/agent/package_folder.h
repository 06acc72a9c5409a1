#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "keys/tar.h"

namespace countersign::agent {

// PackageFolder is an installation package as a folder: the one that was given, or a .tar.gz file
// unpacked into a private folder of its own, which goes with this object.
class PackageFolder {
 public:
  // Open unpacks an archive beside `agent_folder`. kNotFound, kMalformed (keys/tar.h).
  [[nodiscard]] static Result<PackageFolder> Open(const std::filesystem::path& package,
                                                  const std::filesystem::path& agent_folder);
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  // Programs are what of it runs on the endpoint; none if the package has none.
  [[nodiscard]] Result<std::vector<keys::TarEntry>> Programs() const;

 private:
  explicit PackageFolder(std::filesystem::path path, std::optional<NewFolder> unpacked = {})
      : path_(std::move(path)), unpacked_(std::move(unpacked)) {}
  std::filesystem::path path_;
  std::optional<NewFolder> unpacked_;  // never put in place
};

}  // namespace countersign::agent
