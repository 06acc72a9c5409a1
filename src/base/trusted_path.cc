#include "base/trusted_path.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <string>

namespace countersign {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxLinks = 40;
constexpr std::size_t kMaxSteps = 256;

// CheckPlace judges one place by itself.
Status CheckPlace(const fs::path& place, const struct stat& info, bool is_last) {
  if (info.st_uid != 0) {
    return Fail(Code::kPermissionDenied,
                place.string() + " belongs to user id " + std::to_string(info.st_uid) +
                    ", and may belong to root only",
                "chown root:root " + place.string());
  }
  const bool shared_folder = S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0 && !is_last;
  if (!S_ISLNK(info.st_mode) && (info.st_mode & 022) != 0 && !shared_folder) {
    return Fail(Code::kPermissionDenied, place.string() + " is writable by others than root",
                "chmod go-w " + place.string());
  }
  return {};
}

// Only what nobody put there is not there: a link that leads nowhere is a mistake of its maker.
Status NotExamined(const fs::path& path, const fs::path& place, bool by_link, int error) {
  if (error == ENOENT && by_link) {
    return Fail(Code::kMalformed,
                path.string() + ": a link that leads nowhere, " + place.string() + " is not there");
  }
  const Code code = error == ENOENT    ? Code::kNotFound
                    : error == ENOTDIR ? Code::kMalformed
                                       : Code::kPermissionDenied;
  return Fail(code, place.string() + ": " + std::strerror(error));
}

}  // namespace

Status CheckTrustedPath(const fs::path& path) {
  if (!path.is_absolute()) return Fail(Code::kUsage, path.string() + " is no absolute path");
  std::deque<fs::path> left;
  for (const auto& part : path) left.push_back(part);
  fs::path at = "/";
  int links = 0;
  std::size_t own_left = left.size();  // how many of the path's own names are to come
  for (std::size_t steps = 0; !left.empty(); ++steps) {
    if (steps > kMaxSteps) return Fail(Code::kMalformed, path.string() + " is too long a path");
    const fs::path part = left.front();
    const bool by_link = left.size() > own_left;
    left.pop_front();
    if (!by_link) --own_left;
    if (part.empty() || part == ".") continue;
    const fs::path place = part == "/"    ? fs::path("/")
                           : part == ".." ? at.parent_path()
                                          : at / part;
    struct stat info{};
    if (::lstat(place.c_str(), &info) != 0) {
      return NotExamined(path, place, by_link, errno);
    }
    if (auto good = CheckPlace(place, info, left.empty()); !good) return good;
    if (!S_ISLNK(info.st_mode)) {
      at = place;
      continue;
    }
    std::error_code failed;
    const fs::path target = fs::read_symlink(place, failed);
    if (failed || ++links > kMaxLinks) {
      return Fail(Code::kMalformed, place.string() + ": a link that leads nowhere");
    }
    std::deque<fs::path> more;
    for (const auto& one : target) more.push_back(one);
    left.insert(left.begin(), more.begin(), more.end());
  }
  return {};
}

}  // namespace countersign
