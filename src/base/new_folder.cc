#include <system_error>
#include <utility>

#include "base/files.h"

namespace countersign {

namespace fs = std::filesystem;

Result<NewFolder> NewFolder::Begin(const fs::path& place) {
  std::error_code failed;
  if (fs::exists(place, failed) && !fs::is_empty(place, failed)) {
    return Fail(Code::kAlreadyExists, place.string() + " is there already, and not empty",
                "choose another folder, or move that one away");
  }
  fs::path absolute = fs::absolute(place);
  if (!absolute.has_filename()) absolute = absolute.parent_path();
  NewFolder folder(absolute, absolute.string() + ".new");
  fs::remove_all(folder.build_, failed);
  COUNTERSIGN_RETURN_IF_ERROR(MakePrivateFolder(folder.build_));
  return folder;
}

NewFolder::NewFolder(NewFolder&& other) noexcept
    : place_(std::move(other.place_)), build_(std::exchange(other.build_, {})) {}

NewFolder::~NewFolder() {
  std::error_code ignored;
  if (!build_.empty()) fs::remove_all(build_, ignored);
}

Status NewFolder::PutInPlace() {
  COUNTERSIGN_RETURN_IF_ERROR(RenameDurably(build_, place_));
  build_.clear();
  return {};
}

}  // namespace countersign
