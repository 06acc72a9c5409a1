#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "base/bytes.h"
#include "tests/durability/system_calls.h"

namespace countersign::testing {

// DurableImage is what a power cut would leave of a folder, at the worst that POSIX allows: a file
// is what it was at its last fsync, and a folder lists what it listed at its own.
class DurableImage {
 public:
  // All that is in `root` now is durable.
  explicit DurableImage(const std::filesystem::path& root);
  // Take notes a call (CallObserver).
  void Take(CallKind kind, const std::filesystem::path& path, std::uint64_t inode);
  // WriteTo makes the folder `destination` and fills it with what the power cut leaves.
  void WriteTo(const std::filesystem::path& destination) const;

 private:
  struct File {
    Bytes content;
    std::filesystem::perms mode = std::filesystem::perms::owner_read;
  };
  struct Folder {
    std::map<std::string, std::uint64_t> entries;  // name to inode
    std::filesystem::perms mode = std::filesystem::perms::owner_all;
  };

  void AddTree(const std::filesystem::path& folder);
  void NoteFile(const std::filesystem::path& path, std::uint64_t inode);
  void NoteFolder(const std::filesystem::path& path, std::uint64_t inode);
  void WriteFolder(std::uint64_t inode, const std::filesystem::path& destination) const;

  std::uint64_t root_ = 0;
  std::map<std::uint64_t, File> files_;
  std::map<std::uint64_t, Folder> folders_;
};

}  // namespace countersign::testing
