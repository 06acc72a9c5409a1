#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

// What `countersign server init` asks a person for: a new certificate, or an existing one.
namespace countersign::cli {

// Console is where a person answers: the terminal, or what a test puts in its place.
class Console {
 public:
  virtual ~Console() = default;
  virtual void Say(std::string_view line) = 0;
  [[nodiscard]] virtual Result<std::string> Ask(std::string_view question) = 0;
  // AskSecret asks without echo; the answer may be empty.
  [[nodiscard]] virtual Result<SecretBytes> AskSecret(std::string_view question) = 0;
};

struct InitAnswers {
  std::string import_file;      // empty: a new identity
  SecretBytes import_password;  // may be empty
  SecretBytes backup_password;  // empty, with an import: that of the file
};

// How often a question is asked again before the dialogue is given up.
inline constexpr int kMaxTries = 3;

// AskForIdentity leads through it. Whoever wants a new certificate is told that it cuts off the
// agents of an earlier server, and asked for a backup of it. kUsage: no usable answer after
// kMaxTries, or nobody there; nothing is done then. `is_file` tells whether a path names a file.
[[nodiscard]] Result<InitAnswers> AskForIdentity(
    Console& console, const std::filesystem::path& folder,
    const std::function<bool(const std::string&)>& is_file);

// AskOnTerminal is AskForIdentity on the controlling terminal.
[[nodiscard]] Result<InitAnswers> AskOnTerminal(const std::filesystem::path& folder);

}  // namespace countersign::cli
