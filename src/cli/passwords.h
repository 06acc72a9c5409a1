#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "base/secret.h"
#include "base/terminal.h"

namespace countersign::cli {

// PasswordSource says where one password may come from. The first that is given counts: documented
// argument, file, file descriptor, environment variable (removed from the environment), systemd
// credential of that name. Whatever is given is read at once, before anything slow is done.
struct PasswordSource {
  std::string what;                        // for people: "password of the automatic backup"
  const SecretBytes* argument = nullptr;   // "-": standard input; "": environment, else a prompt
  std::string file = {};                   // --password-file, or empty
  std::string fd = {};                     // --password-fd: a number, or empty
  std::string environment = {};            // COUNTERSIGN_PASSWORD, …
  std::string credential = {};             // file name in $CREDENTIALS_DIRECTORY, or empty
  std::string option = "--password-file";  // for the message
  EmptySecret empty = EmptySecret::kRefused;
};

enum class Prompt { kOnce, kTwice };  // twice where a password is set

// GetPassword returns the password. kUsage: none is given and there is no terminal; the two prompts
// differ; or both a file and a descriptor are named.
[[nodiscard]] Result<SecretBytes> GetPassword(const PasswordSource& source, Prompt prompt);

// GivenPassword is the same without a prompt: nothing if none is given.
[[nodiscard]] Result<std::optional<SecretBytes>> GivenPassword(const PasswordSource& source);

// SecondPassword is one that a command can do without, given by an option of its own or by the
// environment; `option_file` "" asks for it. An empty secret if there is none.
[[nodiscard]] Result<SecretBytes> SecondPassword(const std::optional<std::string>& option_file,
                                                 PasswordSource source, Prompt prompt);

// The passwords that several commands know.
[[nodiscard]] PasswordSource AutomaticBackupPassword();  // COUNTERSIGN_PASSWORD
[[nodiscard]] PasswordSource PresentBackupPassword();    // COUNTERSIGN_PRESENT_PASSWORD
[[nodiscard]] PasswordSource NewBackupPassword();        // COUNTERSIGN_BACKUP_PASSWORD

}  // namespace countersign::cli
