#include <chrono>
#include <map>
#include <optional>
#include <utility>

#include "base/files.h"
#include "cli/agent_list.h"
#include "cli/move_commands.h"
#include "cli/move_files.h"
#include "cli/output_file.h"
#include "cli/progress.h"
#include "cli/shell_word.h"
#include "cli/warrant_command.h"
#include "crypto/hash.h"
#include "crypto/pkcs12.h"
#include "server/move_warrants.h"
#include "wire/move_target.h"

// countersign move warrant: the owner's part.
namespace countersign::cli {
namespace {

// Whom the warrants are for, by server; with --all and without --server those of each that the
// backup holds.
Result<std::map<ServerId, std::vector<AgentId>>> WhoseAgents(const MoveWarrantCommand& command) {
  std::optional<ServerId> server;
  if (!command.server.empty()) {
    server = ServerId::ParseText(command.server);
    if (!server) return Fail(Code::kUsage, "\"" + command.server + "\" is no server id");
  }
  if (command.list.empty()) {
    std::map<ServerId, std::vector<AgentId>> all;
    if (server) all[*server] = {};
    return all;
  }
  auto list = ReadAgentList(command.list);
  if (!list) return std::unexpected(std::move(list).error());
  if (server) {
    list->server = server;
    list->belong.clear();
  }
  return ByServer(*list);
}

Result<std::string> SignWarrants(const MoveWarrantCommand& command) {
  if (command.all != command.list.empty()) {
    return Fail(Code::kUsage, "say for which agents: --list, or --all");
  }
  const auto text = ReadTarget(command.target);
  if (!text) return std::unexpected(text.error());
  auto agents = WhoseAgents(command);
  if (!agents) return std::unexpected(std::move(agents).error());
  const auto target = wire::ParseMoveAnnouncement(*text);
  if (!target) return std::unexpected(target.error());
  const auto backup = ReadFile(command.backup, crypto::kPkcs12MaxLen);
  if (!backup) return std::unexpected(backup.error());
  const auto password = GetPassword(command.password, Prompt::kOnce);
  if (!password) return std::unexpected(password.error());
  const Progress progress("signing with the owner key");
  crypto::SystemRandom random;
  const auto warrants = server::MakeMoveWarrants(
      *backup, *password,
      {.agents = *std::move(agents),
       .target = target->target,
       .life = std::chrono::hours(24 * static_cast<std::int64_t>(command.days))},
      random, ReadClocks().wall);
  if (!warrants) return std::unexpected(OfBackupCopy(command.backup, warrants.error()));
  std::string lines;
  for (const auto& warrant : *warrants) lines += warrant + "\n";
  return lines;
}

}  // namespace

Exit MakeWarrant(const MoveWarrantCommand& command, Form form) {
  const auto existing = command.replace ? Existing::kReplace : Existing::kKeep;
  if (const auto fine = CheckOutput(command.output, existing); !fine) {
    return PrintError(fine.error(), form);
  }
  const auto warrants = SignWarrants(command);
  if (!warrants) return PrintError(warrants.error(), form);
  const auto written = WriteOutput(command.output, AsBytes(*warrants), FileMode::kPublic, existing);
  if (!written) return PrintError(written.error(), form);
  if (form == Form::kJson) {
    PrintJson({{"ok", true}, {"file", command.output}});
    return Exit::kOk;
  }
  PrintLine("The warrants are in " + command.output + ". They are no secret: they send these " +
            "agents to that target and nowhere else.");
  PrintLine("next, on the server whose agents move: countersign move start --target " +
            ShellWord(command.target) + " --warrant " + ShellWord(command.output) +
            (command.all ? " --all" : " --list " + ShellWord(command.list)));
  return Exit::kOk;
}

}  // namespace countersign::cli
