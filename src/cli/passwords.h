#pragma once

#include <string>

#include "base/error.h"
#include "base/secret.h"

namespace countersign::cli {

// PasswordSource says where one password comes from. The first that is given counts: argument
// (taken from the command line and wiped there), file ("-": standard input), environment variable
// (removed from the environment), systemd credential of that name, prompt.
struct PasswordSource {
  std::string what;         // for people: "password of the automatic backup"
  std::string file;         // --password-file, or empty
  std::string environment;  // COUNTERSIGN_PASSWORD, …
  std::string credential;   // file name in $CREDENTIALS_DIRECTORY, or empty
  std::string option;       // "--password-file", for the message
};

enum class Prompt { kOnce, kTwice };  // twice where a password is set

// GetPassword returns the password. kUsage: none is given and there is no terminal; or the two
// prompts differ.
[[nodiscard]] Result<SecretBytes> GetPassword(const PasswordSource& source, Prompt prompt);
// GivenPassword is the same without a prompt: an empty secret if none is given.
[[nodiscard]] Result<SecretBytes> GivenPassword(const PasswordSource& source);

}  // namespace countersign::cli
