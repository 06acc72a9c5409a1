#include "cli/passwords.h"

#include <charconv>
#include <utility>

#include "base/process.h"
#include "cli/folders.h"
#include "net/service_manager.h"

namespace countersign::cli {
namespace {

Result<SecretBytes> FromFd(const std::string& text, EmptySecret empty) {
  int fd = -1;
  const auto* const end = text.data() + text.size();
  const auto [stopped, failed] = std::from_chars(text.data(), end, fd);
  if (failed != std::errc() || stopped != end || fd < 0) {
    return Fail(Code::kUsage, "a file descriptor is a number, like 3 with 3<FILE in a shell");
  }
  return ReadSecretFd(fd, empty);
}

Result<SecretBytes> Ask(const PasswordSource& source, Prompt prompt) {
  auto secret = PromptSecret("The " + source.what + ": ", source.empty);
  if (!secret) {
    if (secret.error().code != Code::kUsage || InputIsTerminal()) return secret;
    return Fail(Code::kUsage, "the " + source.what + " is needed",
                "give " + source.option + " FILE (- for standard input), or " + source.environment +
                    " in the environment");
  }
  if (prompt == Prompt::kOnce) return secret;
  const auto again = PromptSecret("The same again: ", source.empty);
  if (!again) return std::unexpected(again.error());
  if (*again == *secret) return secret;
  return Fail(Code::kUsage, "the two passwords differ; nothing was done");
}

}  // namespace

Result<std::optional<SecretBytes>> GivenPassword(const PasswordSource& source) {
  if (!source.file.empty() && !source.fd.empty()) {
    return Fail(Code::kUsage, "the " + source.what + " is given by a file and by a descriptor");
  }
  if (source.argument != nullptr && !source.argument->empty()) {
    if (source.argument->text() == "-") return ReadSecretFile("-", source.empty);
    return source.argument->Clone();
  }
  if (!source.file.empty()) {
    auto secret = ReadSecretFile(source.file, source.empty);
    if (secret) return secret;
    return std::unexpected(
        OrNext(std::move(secret).error(), source.option + " takes a file whose first line is the " +
                                              source.what + ", or - for standard input"));
  }
  if (!source.fd.empty()) return FromFd(source.fd, source.empty);
  std::string text = TakeEnvironmentSecret(source.environment.c_str());
  if (!text.empty()) {
    auto secret = SecretBytes::OwnText(text);
    WipeText(text);
    return secret;
  }
  const auto credentials = net::CredentialsFolder();
  if (credentials && !source.credential.empty()) {
    auto secret = ReadSecretFile((*credentials / source.credential).string(), source.empty);
    if (secret || secret.error().code != Code::kNotFound) return secret;
  }
  return std::optional<SecretBytes>();
}

Result<SecretBytes> GetPassword(const PasswordSource& source, Prompt prompt) {
  auto given = GivenPassword(source);
  if (!given) return std::unexpected(std::move(given).error());
  if (*given) return **std::move(given);
  return Ask(source, prompt);
}

Result<SecretBytes> SecondPassword(const std::optional<std::string>& option_file,
                                   PasswordSource source, Prompt prompt) {
  if (option_file) source.file = *option_file;
  auto given = GivenPassword(source);
  if (!given) return std::unexpected(std::move(given).error());
  if (*given) return **std::move(given);
  if (option_file) return Ask(source, prompt);
  return SecretBytes();
}

PasswordSource AutomaticBackupPassword() {
  return {.what = "password of the automatic backup", .environment = "COUNTERSIGN_PASSWORD"};
}

PasswordSource PresentBackupPassword() {
  return {.what = "password of this server's present automatic backup",
          .environment = "COUNTERSIGN_PRESENT_PASSWORD",
          .option = "--present-password-file"};
}

PasswordSource NewBackupPassword() {
  return {.what = "password for the automatic backup",
          .environment = "COUNTERSIGN_BACKUP_PASSWORD",
          .option = "--backup-password-file"};
}

}  // namespace countersign::cli
