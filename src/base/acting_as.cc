#include "base/acting_as.h"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/process.h"

namespace countersign {

Result<ActingAs> ActingAs::OwnerOf(const std::filesystem::path& folder) {
  ActingAs acting;
  if (::geteuid() != 0) return acting;
  struct stat info{};
  if (::stat(folder.c_str(), &info) != 0) {
    return Fail(errno == ENOENT ? Code::kNotFound : Code::kIo,
                folder.string() + ": " + std::strerror(errno));
  }
  if (info.st_uid == 0) return acting;
  const int count = ::getgroups(0, nullptr);
  acting.groups_.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  acting.group_ = ::getegid();
  if (count < 0 || ::getgroups(count, acting.groups_.data()) != count) {
    return Fail(Code::kIo, std::string("reading this process' groups: ") + std::strerror(errno));
  }
  acting.changed_ = true;  // from here on the destructor takes everything back
  if (::setgroups(0, nullptr) != 0 || ::setegid(info.st_gid) != 0 || ::seteuid(info.st_uid) != 0) {
    return Fail(Code::kPermissionDenied, "cannot act as the owner of " + folder.string() +
                                             " (user id " + std::to_string(info.st_uid) +
                                             "): " + std::strerror(errno));
  }
  ForbidCoreDumps();
  return acting;
}

ActingAs::ActingAs(ActingAs&& other) noexcept
    : changed_(std::exchange(other.changed_, false)),
      group_(other.group_),
      groups_(std::move(other.groups_)) {}

ActingAs::~ActingAs() {
  if (!changed_) return;
  Check(::seteuid(0) == 0 && ::setegid(group_) == 0 &&
            ::setgroups(groups_.size(), groups_.data()) == 0,
        "root cannot be taken back");
  ForbidCoreDumps();
}

}  // namespace countersign
