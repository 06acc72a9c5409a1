#include "cli/warrant_command.h"

#include <boost/json/array.hpp>
#include <optional>
#include <utility>

#include "cli/amounts.h"
#include "cli/output_file.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/shell_word.h"
#include "crypto/hash.h"
#include "crypto/pkcs12.h"
#include "server/warrant.h"

namespace countersign::cli {
namespace {

Result<server::WarrantRequest> RequestOf(const WarrantCommand& command) {
  server::WarrantRequest request;
  const auto agent = AgentId::ParseText(command.unlock);
  if (!agent) {
    return Fail(Code::kUsage, "\"" + command.unlock + "\" is no agent id",
                "countersign agents list (or countersign-agentd status, on the agent)");
  }
  request.agents = {*agent};
  if (!command.server.empty()) {
    request.server = ServerId::ParseText(command.server);
    if (!request.server) return Fail(Code::kUsage, "\"" + command.server + "\" is no server id");
  }
  if (!command.expires.empty()) {
    const auto life = ParseDuration(command.expires);
    if (!life) return std::unexpected(life.error());
    request.life = *life;
  }
  if (request.life < Seconds(1) || request.life > wire::kMaxWarrantLife) {
    return Fail(Code::kUsage, "a warrant is good for 1 second to 30 days",
                "the same command with --expires 7d");
  }
  return request;
}

// HeldBy asks the server in `data` to which server the agent belongs, by its own word; nothing
// where it cannot be asked, or does not know.
std::optional<ServerId> HeldBy(const AgentId& agent, const std::string& data) {
  auto session = Session::Find(DataFolder(data));
  if (!session) return std::nullopt;
  server::AdminMessage request;
  request.json = {{"command", "agent"}, {"agents", boost::json::array{agent.Text()}}};
  const auto answer = session->Call(std::move(request));
  if (!answer) return std::nullopt;
  return ServerId::ParseText(Text(Object(answer->json, "agent"), "server_held"));
}

Result<server::MadeWarrant> Make(const WarrantCommand& command) {
  auto request = RequestOf(command);
  if (!request) return std::unexpected(std::move(request).error());
  const auto backup = ReadBackupCopy(command.backup, command.data);
  if (!backup) return std::unexpected(backup.error());
  if (!request->server && command.backup.empty()) {
    request->server = HeldBy(request->agents.front(), command.data);
  }
  const auto password = GetPassword(command.password, Prompt::kOnce);
  if (!password) return std::unexpected(password.error());
  const Progress progress("signing with the owner key");
  crypto::SystemRandom random;
  auto made = server::MakeWarrant(*backup, *password, *request, random, ReadClocks().wall);
  if (!made && made.error().code == Code::kRefused && command.server.empty() && request->server) {
    // Its owner's warrant is what it takes.
    Error error = std::move(made).error();
    error.message = "agent " + command.unlock + " said last that it belongs to the server " +
                    request->server->Text() + ": " + error.message;
    if (error.next.empty()) error.next = "the same command there, or here with --server ID";
    return std::unexpected(std::move(error));
  }
  if (!made) return std::unexpected(OfBackupCopy(command.backup, std::move(made).error()));
  return made;
}

}  // namespace

Result<Bytes> ReadBackupCopy(const std::string& file, const std::string& data) {
  if (!file.empty()) return ReadFile(file, crypto::kPkcs12MaxLen);
  auto session = Session::Find(DataFolder(data));
  if (!session) {
    return Fail(
        session.error().code, session.error().message,
        "the same command with --backup OfficeScanAuth.dat, a copy of the automatic backup");
  }
  server::AdminMessage request;
  request.json = {{"command", "backup-file"}};
  auto answer = session->Call(std::move(request));
  if (!answer) return std::unexpected(std::move(answer).error());
  if (answer->blobs.size() != 1) return Fail(Code::kInternal, "the server sent no backup");
  return std::move(answer->blobs.front());
}

Error OfBackupCopy(const std::string& file, Error error) {
  if (error.code != Code::kMalformed) return error;
  if (!file.empty()) return WithContext(file, std::move(error)).error();
  error.code = Code::kDamaged;
  error.next = "put back the copy of it that is kept in another place";
  return WithContext("the server's automatic backup", std::move(error)).error();
}

Exit WriteUnlockWarrant(const WarrantCommand& command, Form form) {
  const auto existing = command.replace ? Existing::kReplace : Existing::kKeep;
  if (const auto fine = CheckOutput(command.output, existing); !fine) {
    return PrintError(fine.error(), form);
  }
  const auto made = Make(command);
  if (!made) return PrintError(made.error(), form);
  const auto written =
      WriteOutput(command.output, AsBytes(made->text + "\n"), FileMode::kPrivate, existing);
  if (!written) return PrintError(written.error(), form);
  const std::string until = FormatUtc(FromUnix(static_cast<std::int64_t>(made->warrant.exp)));
  if (form == Form::kJson) {
    PrintJson({{"ok", true},
               {"warrant", made->warrant.jti.Text()},
               {"act", wire::WarrantActName(made->warrant.act)},
               {"agent", command.unlock},
               {"server", made->warrant.server.Text()},
               {"expires", until},
               {"file", command.output}});
    return Exit::kOk;
  }
  PrintLine("The warrant is in " + command.output + ": it passes the unload password of agent " +
            command.unlock + " once, until " + until + ".");
  PrintLine("Whoever has the file can do that: keep it as a secret. On the agent, one of:");
  PrintLine("  IpXfer … -warrant " + ShellWord(command.output));
  PrintLine("  countersign-agentd stop --warrant " + ShellWord(command.output));
  PrintLine("  countersign-agentd unload-password set --warrant " + ShellWord(command.output));
  return Exit::kOk;
}

}  // namespace countersign::cli
