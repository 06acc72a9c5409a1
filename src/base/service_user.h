#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/user.h"

// What an agent needs of the system to run as a user of its own.
namespace countersign {

// UserAndGroup are the numbers of a user of the local user database (/etc/passwd; it is read here,
// since a statically linked program cannot ask the others).
struct UserAndGroup {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  bool operator==(const UserAndGroup&) const = default;
};
[[nodiscard]] std::optional<UserAndGroup> FindLocalUser(const std::string& name);

// GiveTree makes everything in `folder`, and the folder, belong to them: what is in it first, the
// folder last, and never through a link. A folder that is theirs already is left as it is: they
// could change it meanwhile. kRefused: the folder is somebody else's than root's or theirs; a file
// in it has another name elsewhere (hard link); it is deeper than an agent's folder can be.
[[nodiscard]] Status GiveTree(const std::filesystem::path& folder, const UserAndGroup& owner);

// StartDetached starts `program` in a session of its own, as the owner of `folder` (if this process
// is root's), with standard output and error going to `log`, which is made anew, 0600. What becomes
// of it is not waited for: returns its process id. kNotFound, kPermissionDenied, kIo.
[[nodiscard]] Result<int> StartDetached(const std::filesystem::path& program,
                                        const std::vector<std::string>& arguments,
                                        const std::filesystem::path& folder,
                                        const std::filesystem::path& log);
// HasEnded tells whether a process that this one started is gone.
[[nodiscard]] bool HasEnded(int pid);

}  // namespace countersign
