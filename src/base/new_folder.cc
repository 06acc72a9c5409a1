#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

#include "base/files.h"

namespace countersign {

namespace fs = std::filesystem;

namespace {

// The only name that there ever is in what holds an unfinished folder: whatever else is found there
// belongs to somebody else.
constexpr char kUnfinished[] = "countersign-unfinished";

Status RemoveTree(const fs::path& path) {
  std::error_code failed;
  fs::remove_all(path, failed);
  if (!failed) return {};
  const bool denied = failed == std::errc::permission_denied ||
                      failed == std::errc::operation_not_permitted ||
                      failed == std::errc::read_only_file_system;
  return Fail(denied ? Code::kPermissionDenied : Code::kIo,
              "cannot remove " + path.string() + ": " + failed.message());
}

// Only what an earlier, cut-off attempt left is removed.
Status Clear(const fs::path& holder) {
  std::error_code failed;
  for (fs::directory_iterator entry(holder, failed); !failed && entry != fs::directory_iterator();
       entry.increment(failed)) {
    if (entry->path().filename() == kUnfinished) continue;
    return Fail(Code::kRefused,
                entry->path().string() + " is in the way, and was not made by this program",
                "choose another folder, or move " + holder.string() + " away");
  }
  if (failed) return Fail(Code::kIo, "cannot list " + holder.string() + ": " + failed.message());
  return RemoveTree(holder / kUnfinished);
}

// `.<name><ending>` beside a place.
fs::path Beside(const fs::path& place, const std::string& ending) {
  return place.parent_path() / ("." + place.filename().string() + ending);
}

fs::path AbsoluteName(const fs::path& place) {
  const fs::path absolute = fs::absolute(place);
  return absolute.has_filename() ? absolute : absolute.parent_path();
}

}  // namespace

Result<NewFolder> NewFolder::Begin(const fs::path& place) {
  std::error_code failed;
  if (fs::exists(place, failed) && !fs::is_empty(place, failed)) {
    return Fail(Code::kAlreadyExists, place.string() + " is there already, and not empty",
                "choose another folder, or move that one away");
  }
  const fs::path absolute = AbsoluteName(place);
  const fs::path holder = Beside(absolute, ".new");
  COUNTERSIGN_RETURN_IF_ERROR(MakePrivateFolder(holder));
  auto lock = FileLock::AcquireFolder(holder);
  if (!lock && lock.error().code == Code::kUnavailable) {
    return WithContext("another process is making " + absolute.string(), std::move(lock).error());
  }
  if (!lock) return std::unexpected(std::move(lock).error());
  COUNTERSIGN_RETURN_IF_ERROR(CheckPrivate(holder));
  COUNTERSIGN_RETURN_IF_ERROR(Clear(holder));
  NewFolder folder(absolute, holder / kUnfinished, *std::move(lock));
  COUNTERSIGN_RETURN_IF_ERROR(MakePrivateFolder(folder.path()));
  return folder;
}

NewFolder::NewFolder(NewFolder&& other) noexcept
    : place_(std::move(other.place_)),
      build_(std::exchange(other.build_, {})),
      lock_(std::move(other.lock_)) {}

NewFolder::~NewFolder() {
  std::error_code ignored;
  if (!build_.empty()) fs::remove_all(build_.parent_path(), ignored);
}

Status NewFolder::PutInPlace() {
  const fs::path holder = build_.parent_path();
  std::error_code failed;
  Status done = Rename(build_, place_);
  if (done) done = SyncFolder(holder);
  if (done) done = SyncFolder(place_.parent_path());
  if (!done && fs::exists(build_, failed)) return done;  // removed with this object
  if (!done) {
    // It is in place, and yet a power cut might take it away: that is no success, and no half of
    // one. It goes back, to be removed.
    fs::rename(place_, build_, failed);
    if (!failed) return done;
  }
  build_.clear();
  fs::remove(holder, failed);  // one that stays is empty, and the next attempt takes it
  if (done) return {};
  return WithContext(place_.string() + " is made, but may be gone after a power cut",
                     Error(done.error()));
}

Status RemoveFolder(const fs::path& folder) {
  const fs::path absolute = AbsoluteName(folder);
  // A name of its own, so that nobody's folder is in the way.
  std::string holder = Beside(absolute, ".removed-XXXXXX").string();
  if (::mkdtemp(holder.data()) == nullptr) {
    const int error = errno;
    const bool denied = error == EACCES || error == EPERM || error == EROFS;
    return Fail(
        denied ? Code::kPermissionDenied : Code::kIo,
        "cannot remove " + absolute.string() + ": " + std::generic_category().message(error));
  }
  const fs::path away = fs::path(holder) / absolute.filename();
  if (Status moved = RenameDurably(absolute, away); !moved) {
    ::rmdir(holder.c_str());
    return moved;
  }
  return RemoveTree(holder);
}

}  // namespace countersign
