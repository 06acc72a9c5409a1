#include "cli/passwords.h"

#include "base/process.h"
#include "base/terminal.h"
#include "net/service_manager.h"

namespace countersign::cli {

Result<SecretBytes> GivenPassword(const PasswordSource& source) {
  if (!source.file.empty()) return ReadSecretFile(source.file);
  std::string text = TakeEnvironmentSecret(source.environment.c_str());
  if (!text.empty()) {
    auto secret = SecretBytes::OwnText(text);
    WipeText(text);
    return secret;
  }
  const auto credentials = net::CredentialsFolder();
  if (credentials && !source.credential.empty()) {
    auto secret = ReadSecretFile((*credentials / source.credential).string());
    if (secret || secret.error().code != Code::kNotFound) return secret;
  }
  return SecretBytes();
}

Result<SecretBytes> GetPassword(const PasswordSource& source, Prompt prompt) {
  auto given = GivenPassword(source);
  if (!given || !given->empty()) return given;
  auto secret = PromptSecret("The " + source.what + ": ");
  if (!secret) {
    return Fail(secret.error().code, "the " + source.what + " is needed",
                "give " + source.option + " FILE (- for standard input), or " + source.environment +
                    " in the environment");
  }
  if (prompt == Prompt::kOnce) return secret;
  const auto again = PromptSecret("The same again: ");
  if (!again) return std::unexpected(again.error());
  if (*again == *secret) return secret;
  return Fail(Code::kUsage, "the two passwords differ; nothing was done");
}

}  // namespace countersign::cli
