#include <algorithm>
#include <string_view>
#include <utility>

#include "agent/unload_lock.h"
#include "base/files.h"
#include "cli/folders.h"
#include "cli/unload_commands.h"
#include "crypto/argon2.h"
#include "crypto/hash.h"
#include "wire/warrant.h"

// What programs for servers and for endpoints share: the latter hold nothing of a server.
namespace countersign::cli {
namespace {

constexpr std::size_t kShort = 12;  // octets: with fewer, a verifier that leaks is soon solved

Status CheckNew(const SecretBytes& password) {
  using agent::UnloadLock;
  if (password.size() >= UnloadLock::kMinPasswordLen &&
      password.size() <= UnloadLock::kMaxPasswordLen) {
    return {};
  }
  return Fail(Code::kUsage, "an unload password has 5 to 1,024 octets");
}

bool IsText(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= ' ' && c <= '~') || c == '\t' || c == '\r' || c == '\n'; });
}

}  // namespace

PasswordSource UnloadPassword() {
  return {.what = "unload password", .environment = "COUNTERSIGN_UNLOAD_PASSWORD"};
}

PasswordSource NewUnloadPassword() {
  return {.what = "new unload password",
          .environment = "COUNTERSIGN_NEW_UNLOAD_PASSWORD",
          .option = "--new-password-file"};
}

Result<SecretBytes> MakeUnloadVerifier(const PasswordSource& source) {
  const auto password = GetPassword(source, Prompt::kTwice);
  if (!password) return std::unexpected(password.error());
  COUNTERSIGN_RETURN_IF_ERROR(CheckNew(*password));
  if (password->size() < kShort) {
    PrintToError(
        "note: it is short. Agents lock it after wrong tries, but whoever gets hold of a package "
        "or a registry can try as fast as he can compute.");
  }
  crypto::SystemRandom random;
  auto verifier = crypto::MakeVerifier(*password, {}, random);
  if (!verifier) return std::unexpected(std::move(verifier).error());
  return SecretBytes::OwnText(*verifier);
}

Exit UnloadExit(const Error& error) {
  if (error.code == Code::kWrongPassword) return Exit::kUnloadPassword;
  if (error.code == Code::kExhausted) return Exit::kUnloadLocked;
  if (error.code == Code::kRefused) return Exit::kBadWarrant;
  return ExitFor(error.code);
}

Exit PrintUnloadError(const Error& error, Form form) {
  (void)PrintError(error, form);
  return UnloadExit(error);
}

Result<std::string> ReadWarrantFile(const std::filesystem::path& file) {
  constexpr const char* kMakeOne = "countersign owner warrant --unlock AGENT -o FILE makes one";
  const auto content = ReadFile(file, wire::kMaxWarrantLen + 16);
  if (!content && content.error().code != Code::kMalformed) {
    return WithContext("warrant", OrNext(content.error(), kMakeOne));
  }
  std::string text(content ? AsText(*content) : "");
  // What an agent is told is JSON, and an empty text would be no warrant at all.
  if (text.find_first_not_of(" \t\r\n") == std::string::npos || !IsText(text)) {
    return Fail(Code::kRefused, "bad-warrant: " + file.string() + " is no file with a warrant",
                kMakeOne);
  }
  return text;
}

}  // namespace countersign::cli
