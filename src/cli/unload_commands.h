#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/output.h"
#include "cli/passwords.h"
#include "cli/session.h"

// The unload password (docs/unload-password.md): said at the server for many agents, or by the
// local administrator for one.
namespace countersign::cli {

// UnloadPassword: COUNTERSIGN_UNLOAD_PASSWORD, --password-file. NewUnloadPassword, where a present
// one is needed as well: COUNTERSIGN_NEW_UNLOAD_PASSWORD, --new-password-file.
[[nodiscard]] PasswordSource UnloadPassword();
[[nodiscard]] PasswordSource NewUnloadPassword();

// MakeUnloadVerifier reads a new unload password, twice where it is typed, and returns its verifier
// (argon2id): the password itself goes no further than this process. kUsage: shorter than 5 octets,
// or longer than 1,024. Takes about a fifth of a second and 64 MiB.
[[nodiscard]] Result<SecretBytes> MakeUnloadVerifier(const PasswordSource& source);

struct UnloadCommand {
  std::vector<std::string> agents;
  std::string domain;  // and all beneath it
  bool all = false;
  PasswordSource password = UnloadPassword();
};
// `countersign agents unload-password set`, `clear`, `show`.
[[nodiscard]] Exit SetUnload(Session& session, const UnloadCommand& command, Form form);
[[nodiscard]] Exit ClearUnload(Session& session, const UnloadCommand& command, Form form);
[[nodiscard]] Exit ShowUnload(Session& session, Form form);

// The exit code for an error of agent::UnloadLock::Pass (docs/exit-codes.md): 40 no password or a
// wrong one, 41 locked, 42 bad warrant; as any other otherwise. PrintUnloadError prints it too.
[[nodiscard]] Exit UnloadExit(const Error& error);
Exit PrintUnloadError(const Error& error, Form form);

// ReadWarrantFile reads the file of a warrant, whatever white space is around it. kRefused
// (`bad-warrant`) if it is empty, larger than a warrant can be, or no text.
[[nodiscard]] Result<std::string> ReadWarrantFile(const std::filesystem::path& file);

// `countersign-agentd unload-password set` and `clear`: the local administrator, who shows the
// present password or a warrant.
struct LocalUnloadCommand {
  std::filesystem::path folder;  // the agent's
  bool clear = false;
  PasswordSource present = UnloadPassword();
  PasswordSource fresh = NewUnloadPassword();
  std::string warrant;  // file; or empty
};
[[nodiscard]] Exit SetUnloadHere(const LocalUnloadCommand& command, Form form);

}  // namespace countersign::cli
