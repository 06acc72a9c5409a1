#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <utility>

#include "base/acting_as.h"
#include "base/encoding.h"
#include "base/files.h"
#include "cli/backup_commands.h"
#include "cli/progress.h"
#include "server/drill.h"

namespace countersign::cli {
namespace {

Result<server::AdminMessage> Ask(Session& session, std::string_view command) {
  server::AdminMessage request;
  request.json = {{"command", command}};
  return session.Call(std::move(request));
}

// What a restore is compared with, and tried on.
struct Present {
  Bytes backup;
  crypto::Certificate active;
  std::optional<Digest> reserve;
  store::ServerConfig config;
};

// The first server certificate in this state.
std::optional<Digest> FindIn(const boost::json::object& listed, std::string_view state) {
  for (const auto& value : listed.at("certificates").as_array()) {
    const auto& certificate = value.as_object();
    if (Text(certificate, "role") != "server" || Text(certificate, "state") != state) continue;
    const auto octets = ParseHex(Text(certificate, "sha256"));
    Digest digest{};
    if (!octets || octets->size() != digest.size()) continue;
    std::ranges::copy(*octets, digest.begin());
    return digest;
  }
  return std::nullopt;
}

// What stands by after a restore: during a rollout its certificate.
Result<std::optional<Digest>> FindReserve(Session& session) {
  const auto listed = Ask(session, "certificates");
  if (!listed) return std::unexpected(listed.error());
  if (auto pending = FindIn(listed->json, "pending")) return pending;
  return FindIn(listed->json, "reserve");
}

Result<Present> ReadPresent(Session& session) {
  auto backup = Ask(session, "backup-file");
  if (!backup) return std::unexpected(std::move(backup).error());
  const auto exported = Ask(session, "export");
  if (!exported) return std::unexpected(exported.error());
  auto active = crypto::Certificate::Parse(exported->blobs.at(0));
  if (!active) return std::unexpected(std::move(active).error());
  const auto reserve = FindReserve(session);
  if (!reserve) return std::unexpected(reserve.error());
  const auto path = session.folder() / "countersign.toml";
  const auto text = ReadFile(path, store::kMaxConfigLen);
  if (!text) return std::unexpected(text.error());
  auto config = store::ParseServerConfig(AsText(*text));
  if (!config) return WithContext(path.string(), std::move(config).error());
  return Present{.backup = std::move(backup->blobs.at(0)),
                 .active = *std::move(active),
                 .reserve = *reserve,
                 .config = *std::move(config)};
}

Result<std::vector<server::DrillStep>> RunDrill(const Session& session, const Present& present,
                                                const SecretBytes& password,
                                                const std::filesystem::path& scratch) {
  const Progress progress("restoring into a scratch folder");
  std::optional<ActingAs> acting;
  if (scratch.empty()) {
    auto owner = ActingAs::OwnerOf(session.folder());
    if (!owner) return std::unexpected(std::move(owner).error());
    acting.emplace(*std::move(owner));
  }
  const auto log = MakeQuietLog();
  return server::DrillBackup({.scratch = scratch.empty() ? session.folder() / ".drill" : scratch,
                              .file = present.backup,
                              .password = password,
                              .active = present.active,
                              .reserve = present.reserve,
                              .config = present.config},
                             *log, ReadClocks().wall);
}

Exit PrintDrill(const std::vector<server::DrillStep>& steps, const boost::json::array& problems,
                Form form) {
  const Exit exit = problems.empty() ? Exit::kOk : Exit::kBackupLacks;
  if (form == Form::kJson) {
    boost::json::array tried;
    for (const auto& step : steps) {
      tried.push_back(boost::json::object{{"what", step.what}, {"problem", step.problem}});
    }
    PrintJson({{"ok", true}, {"steps", std::move(tried)}, {"problems", problems}});
    return exit;
  }
  for (const auto& step : steps) {
    PrintLine((step.problem.empty() ? "ok:      " : "PROBLEM: ") + step.what +
              (step.problem.empty() ? "" : ": " + step.problem));
  }
  PrintLine(problems.empty() ? "The automatic backup brings this server back."
                             : "The automatic backup does not bring everything back.");
  return exit;
}

}  // namespace

Exit DrillBackup(Session& session, const BackupDrillCommand& command, Form form) {
  const auto password = GetPassword(command.password, Prompt::kOnce);
  if (!password) return PrintError(password.error(), form);
  const auto present = ReadPresent(session);
  if (!present) return PrintError(present.error(), form);
  const auto steps = RunDrill(session, *present, *password, command.scratch);
  if (!steps) return PrintError(steps.error(), form);
  boost::json::array problems;
  for (const auto& step : *steps) {
    if (!step.problem.empty()) problems.emplace_back(step.what + ": " + step.problem);
  }
  server::AdminMessage record;
  record.json = {{"command", "backup-drilled"}, {"problems", problems}};
  const auto recorded = session.Call(std::move(record));
  if (!recorded) return PrintError(recorded.error(), form);
  return PrintDrill(*steps, problems, form);
}

}  // namespace countersign::cli
