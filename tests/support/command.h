#pragma once

#include <filesystem>
#include <string>

#include "base/bytes.h"

namespace countersign::testing {

// TemporaryFolder is a folder of its own, removed with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // Write puts a file there and returns its path.
  std::filesystem::path Write(const std::string& name, ByteView content) const;
  // Read returns a file's content; aborts if there is none.
  [[nodiscard]] Bytes Read(const std::string& name) const;

 private:
  std::filesystem::path path_;
};

struct CommandResult {
  int exit_code = -1;
  std::string output;  // of both streams, as they came
};

// RunCommand runs a shell command in `folder`, with nothing to read.
[[nodiscard]] CommandResult RunCommand(const TemporaryFolder& folder, const std::string& command);

// RunAdvice runs, by bash, a command that a message advises, where people would answer openssl's
// questions for passwords with `password`.
[[nodiscard]] CommandResult RunAdvice(const TemporaryFolder& folder, std::string command,
                                      const std::string& password);

}  // namespace countersign::testing
