#include "tests/durability/durable_image.h"

#include <sys/stat.h>

#include <fstream>

#include "base/error.h"
#include "base/files.h"

namespace countersign::testing {
namespace {

namespace fs = std::filesystem;

std::uint64_t InodeOf(const fs::path& path) {
  struct stat info{};
  Check(lstat(path.c_str(), &info) == 0, "a file of the image");
  return info.st_ino;
}

}  // namespace

DurableImage::DurableImage(const fs::path& root) : root_(InodeOf(root)) { AddTree(root); }

void DurableImage::AddTree(const fs::path& folder) {
  NoteFolder(folder, InodeOf(folder));
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_directory()) {
      AddTree(entry.path());
    } else if (entry.is_regular_file()) {
      NoteFile(entry.path(), InodeOf(entry.path()));
    }
  }
}

void DurableImage::NoteFile(const fs::path& path, std::uint64_t inode) {
  auto content = ReadFile(path, std::size_t{64} << 20);
  Check(content.has_value(), "a file of the image");
  files_[inode] = {*std::move(content), fs::status(path).permissions()};
}

void DurableImage::NoteFolder(const fs::path& path, std::uint64_t inode) {
  Folder& folder = folders_[inode];
  folder.entries.clear();
  folder.mode = fs::status(path).permissions();
  for (const auto& entry : fs::directory_iterator(path)) {
    folder.entries[entry.path().filename().string()] = InodeOf(entry.path());
  }
}

void DurableImage::Take(CallKind kind, const fs::path& path, std::uint64_t inode) {
  if (inode == 0) return;  // it is not there any more
  // The number of a file that is gone may come back.
  if (kind == CallKind::kCreate) files_[inode] = {{}, fs::status(path).permissions()};
  if (kind == CallKind::kMakeFolder) folders_[inode] = {{}, fs::status(path).permissions()};
  if (kind == CallKind::kSync) NoteFile(path, inode);
  if (kind == CallKind::kSyncFolder) NoteFolder(path, inode);
}

void DurableImage::WriteTo(const fs::path& destination) const {
  fs::create_directories(destination);
  WriteFolder(root_, destination);
}

void DurableImage::WriteFolder(std::uint64_t inode, const fs::path& destination) const {
  const Folder& folder = folders_.at(inode);
  for (const auto& [name, child] : folder.entries) {
    const fs::path path = destination / name;
    if (folders_.contains(child)) {
      fs::create_directory(path);
      WriteFolder(child, path);
    } else if (const auto file = files_.find(child); file != files_.end()) {
      const std::string_view content = AsText(file->second.content);
      std::ofstream(path, std::ios::binary).write(content.data(), std::ssize(content));
      fs::permissions(path, file->second.mode);
    }
  }
  fs::permissions(destination, folder.mode);
}

}  // namespace countersign::testing
