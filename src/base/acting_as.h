#pragma once

#include <sys/types.h>

#include <filesystem>
#include <vector>

#include "base/error.h"

namespace countersign {

// ActingAs lets root act as the owner (user and group) of a folder for as long as it lives, so that
// what is written there belongs to the service's user, while the caller's own files are read and
// written before and after as the caller. Nothing happens if the process is not root, or root owns
// the folder. It is no protection against code of this process: BecomeOwnerOf is, for daemons.
// Aborts if root cannot be taken back. Not for two at a time; all threads of the process change.
class ActingAs {
 public:
  // OwnerOf: kNotFound (no such folder), kPermissionDenied.
  [[nodiscard]] static Result<ActingAs> OwnerOf(const std::filesystem::path& folder);
  ActingAs(ActingAs&& other) noexcept;
  ActingAs& operator=(ActingAs&&) = delete;
  ActingAs(const ActingAs&) = delete;
  ActingAs& operator=(const ActingAs&) = delete;
  ~ActingAs();

 private:
  ActingAs() = default;
  bool changed_ = false;
  gid_t group_ = 0;            // before
  std::vector<gid_t> groups_;  // before
};

}  // namespace countersign
