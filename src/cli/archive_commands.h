#pragma once

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "cli/output.h"
#include "cli/passwords.h"
#include "cli/session.h"
#include "crypto/pkcs12.h"
#include "keys/archive.h"

// Files that hold the server's keys: what -b writes, and what -r, -re, -i and -ine take. One code
// below `CertificateManager` and `countersign cert`.
namespace countersign::cli {

// Longer files hold no keys of ours. Which of the two limits counts follows from their content.
inline constexpr std::size_t kMaxKeyFileLen = std::max(keys::kMaxArchiveLen, crypto::kPkcs12MaxLen);

struct ArchiveCommand {
  std::filesystem::path file;
  PasswordSource password;
  bool with_owner = false;  // the owner key, too
  // With the owner key: that of the automatic backup; nothing: environment, else it is asked for.
  std::optional<std::string> backup_password_file;
  bool replace = false;  // an existing file
  std::string_view replace_option = "--replace";
};
// MakeArchive is -b. An existing file is kept (kAlreadyExists) unless `replace`.
[[nodiscard]] Exit MakeArchive(Session& session, const ArchiveCommand& command, Form form);

struct ImportCommand {
  std::filesystem::path file;
  PasswordSource password;
  bool exportable = true;
  bool restore = false;  // -r, -re: only the words differ
  bool replace = false;  // cut off the agents that hold the present identity
  std::string key;       // thumbprint: which of several keys; or empty
  std::optional<std::string> backup_password_file;   // for the new automatic backup
  std::optional<std::string> present_password_file;  // brings both fleets together
};
// ImportIdentity is -i, -ine, -r and -re. The file is recognised by its content.
[[nodiscard]] Exit ImportIdentity(Session& session, const ImportCommand& command, Form form);

}  // namespace countersign::cli
