#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/error.h"

namespace countersign {

// User is one of the system's users: the uid decides, the name is for people.
struct User {
  std::uint32_t uid = 0;
  std::string name;  // "uid 1000" if the user database knows none
  bool operator==(const User&) const = default;
};

// UserOf looks a uid up in the user database.
[[nodiscard]] User UserOf(std::uint32_t uid);
// RealUser is the user who started this process, whoever it acts as now.
[[nodiscard]] User RealUser();

// TerminalName is the terminal on which this process talks to somebody ("pts/3"), or "none".
[[nodiscard]] std::string TerminalName();

// LoginName is who logged in, where that is another than RealUser: "alice (uid 1000)", by the
// system's login record, otherwise by sudo's word in the environment. Empty if neither tells. A
// claim: root, and what root runs, can change both.
[[nodiscard]] std::string LoginName();

// CheckAdministers makes sure that this process is root's, or that of the owner of `folder`.
// kPermissionDenied says who may, and what to run. A folder that is not there is no matter of this
// function.
[[nodiscard]] Status CheckAdministers(const std::filesystem::path& folder);

}  // namespace countersign
