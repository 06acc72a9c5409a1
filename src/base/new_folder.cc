#include <system_error>
#include <utility>

#include "base/files.h"

namespace countersign {

namespace fs = std::filesystem;

namespace {

Status Empty(const fs::path& folder) {
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed); !failed && entry != fs::directory_iterator();
       entry.increment(failed)) {
    fs::remove_all(entry->path(), failed);
    if (failed) break;
  }
  if (!failed) return {};
  const bool denied = failed == std::errc::permission_denied ||
                      failed == std::errc::operation_not_permitted ||
                      failed == std::errc::read_only_file_system;
  return Fail(denied ? Code::kPermissionDenied : Code::kIo,
              "cannot empty " + folder.string() + ": " + failed.message());
}

}  // namespace

Result<NewFolder> NewFolder::Begin(const fs::path& place) {
  std::error_code failed;
  if (fs::exists(place, failed) && !fs::is_empty(place, failed)) {
    return Fail(Code::kAlreadyExists, place.string() + " is there already, and not empty",
                "choose another folder, or move that one away");
  }
  fs::path absolute = fs::absolute(place);
  if (!absolute.has_filename()) absolute = absolute.parent_path();
  const fs::path build = absolute.string() + ".new";
  COUNTERSIGN_RETURN_IF_ERROR(MakePrivateFolder(build));
  auto lock = FileLock::AcquireFolder(build);
  if (!lock && lock.error().code == Code::kUnavailable) {
    return WithContext("another process is making " + absolute.string(), std::move(lock).error());
  }
  if (!lock) return std::unexpected(std::move(lock).error());
  COUNTERSIGN_RETURN_IF_ERROR(CheckPrivate(build));
  NewFolder folder(absolute, build, *std::move(lock));
  COUNTERSIGN_RETURN_IF_ERROR(Empty(build));
  return folder;
}

NewFolder::NewFolder(NewFolder&& other) noexcept
    : place_(std::move(other.place_)),
      build_(std::exchange(other.build_, {})),
      lock_(std::move(other.lock_)) {}

NewFolder::~NewFolder() {
  std::error_code ignored;
  if (!build_.empty()) fs::remove_all(build_, ignored);
}

Status NewFolder::PutInPlace() {
  const Status done = RenameDurably(build_, place_);
  std::error_code failed;
  if (!done && fs::exists(build_, failed)) return done;  // removed with this object
  if (!done) {
    // It is in place, and yet a power cut might take it away: that is no success, and no half of
    // one. It goes back, to be removed.
    fs::rename(place_, build_, failed);
    if (!failed) return done;
  }
  build_.clear();
  if (done) return {};
  return WithContext(place_.string() + " is made, but may be gone after a power cut",
                     Error(done.error()));
}

}  // namespace countersign
