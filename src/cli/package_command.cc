#include "cli/package_command.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <utility>

#include "base/files.h"
#include "base/process.h"
#include "cli/endpoint_package.h"
#include "cli/output_file.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;

enum class PackageForm { kFolder, kTarGz, kDeb };

PackageForm FormFor(const fs::path& output) {
  const std::string name = output.filename().string();
  if (name.ends_with(".deb")) return PackageForm::kDeb;
  if (name.ends_with(".tar.gz") || name.ends_with(".tgz")) return PackageForm::kTarGz;
  return PackageForm::kFolder;
}

// When a package that is to be the same each time is said to be made (reproducible-builds.org).
Instant MadeAt(const boost::json::object& answer) {
  std::int64_t seconds = 0;
  const std::string text = GetEnvironment("SOURCE_DATE_EPOCH");
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (!text.empty() && failed == std::errc() && end == text.data() + text.size()) {
    return FromUnix(seconds);
  }
  return FromUnix(static_cast<std::int64_t>(Number(answer, "made_at")));
}

Status WriteFolder(const fs::path& folder, const EndpointPackage& package) {
  COUNTERSIGN_RETURN_IF_ERROR(MakePrivateFolder(folder));
  for (const auto& entry : FolderEntries(package)) {
    const FileMode mode = entry.mode == 0600 ? FileMode::kPrivate : FileMode::kPublic;
    COUNTERSIGN_RETURN_IF_ERROR(WriteFileAtomically(folder / entry.name, entry.content, mode));
    if ((entry.mode & 0100U) == 0) continue;
    std::error_code failed;
    fs::permissions(folder / entry.name, fs::perms(entry.mode), failed);
    if (failed) return Fail(Code::kIo, (folder / entry.name).string() + ": " + failed.message());
  }
  return {};
}

Status WritePackage(const fs::path& output, const EndpointPackage& package, bool secret,
                    Instant at) {
  const PackageForm form = FormFor(output);
  if (form == PackageForm::kFolder) return WriteFolder(output, package);
  const auto file = form == PackageForm::kDeb ? keys::WriteDeb(DebFor(package, at), at)
                                              : keys::WriteTarGz(ArchiveEntries(package), at);
  if (!file) return std::unexpected(file.error());
  return WriteOutput(output, *file, secret ? FileMode::kPrivate : FileMode::kPublic,
                     Existing::kReplace);
}

Result<server::AdminMessage> AskForPackage(Session& session, const PackageCommand& command) {
  server::AdminMessage request;
  request.json = {{"command", "package"},
                  {"domain", command.domain},
                  {"uses", command.uses},
                  {"days", command.days}};
  if (!command.host.empty()) request.json["host"] = command.host;
  if (command.without_token) request.json["without_token"] = true;
  if (!command.until.empty()) {
    const auto until = ParseUntil(command.until);
    if (!until) return std::unexpected(until.error());
    request.json["until"] = ToUnix(*until);
  }
  return session.Call(std::move(request));
}

void PrintHowTo(const fs::path& output, const PackageCommand& command,
                const boost::json::object& answer) {
  const std::string name = output.filename().string();
  PrintLine("The package is in " + output.string() + ". On the endpoint, as administrator:");
  switch (FormFor(output)) {
    case PackageForm::kDeb:
      PrintLine("  dpkg -i " + name);
      break;
    case PackageForm::kTarGz:
      PrintLine("  tar -xzf " + name + " && sh countersign-agent/install.sh");
      break;
    case PackageForm::kFolder:
      PrintLine(command.without_programs ? "  countersign-agentd install --from " + name
                                         : "  sh " + name + "/install.sh");
      break;
  }
  if (answer.contains("token")) {
    PrintLine("It holds an enrolment token, good until " + Text(answer, "token_expires") +
              ": keep it as a secret. countersign token revoke " + Text(answer, "token") +
              " takes it back.");
  } else {
    PrintLine("It holds no enrolment token: countersign agents approve ID admits each agent.");
  }
  if (answer.contains("secret")) {
    PrintLine(
        "It holds the verifier of an unload password, which can be guessed at: keep it as a "
        "secret.");
  }
}

}  // namespace

Exit MakePackage(Session& session, const PackageCommand& command, Form form) {
  const PackageForm kind = FormFor(command.output);
  if (kind == PackageForm::kDeb && command.without_programs) {
    return PrintError({Code::kUsage, "a .deb holds the programs: --no-programs goes with a folder",
                       "countersign agents package --help"},
                      form);
  }
  EndpointPackage package;
  if (!command.without_programs) {
    auto programs = FindPrograms(command.programs);
    if (!programs) return PrintError(programs.error(), form);
    package.programs = ProgramEntries(*std::move(programs));
  }
  if (kind != PackageForm::kFolder) {
    const auto possible = CheckOutput(command.output, Existing::kReplace);
    if (!possible) return PrintError(possible.error(), form);
  }
  auto answer = AskForPackage(session, command);
  if (!answer) return PrintError(answer.error(), form);
  package.certificate = answer->blobs.at(0);
  package.settings = answer->blobs.at(1);
  const bool secret = answer->json.contains("token") || answer->json.contains("secret");
  const auto written = WritePackage(command.output, package, secret, MadeAt(answer->json));
  if (!written) return PrintError(written.error(), form);
  if (form == Form::kJson) {
    PrintJson(answer->json);
  } else {
    PrintHowTo(command.output, command, answer->json);
  }
  return Exit::kOk;
}

Result<Instant> ParseUntil(std::string_view text) {
  const auto whole_day = ParseUtc(std::string(text) + "T00:00:00Z");
  if (whole_day) return *whole_day + std::chrono::hours(24);
  if (const auto at = ParseUtc(text)) return *at;
  return Fail(Code::kUsage, "\"" + std::string(text) + "\" is no date",
              "--until 2027-01-31, or --until 2027-01-31T12:00:00Z (both UTC)");
}

Exit ListTokens(Session& session, Form form) {
  boost::json::array tokens;
  for (std::string after;;) {
    server::AdminMessage request;
    request.json = {{"command", "tokens"}, {"after", after}};
    const auto answer = session.Call(std::move(request));
    if (!answer) return PrintError(answer.error(), form);
    const auto& page = List(answer->json, "tokens");
    tokens.insert(tokens.end(), page.begin(), page.end());
    after = Text(answer->json, "next_after");
    if (after.empty()) break;
  }
  if (form == Form::kJson) {
    PrintJson({{"ok", true}, {"tokens", std::move(tokens)}});
    return Exit::kOk;
  }
  Table table({"TOKEN", "STATE", "EXPIRES", "AGENTS LEFT", "NOTE"});
  for (const auto& value : tokens) {
    const auto& token = value.as_object();
    const std::string left = Text(token, "uses_left");
    table.Add({Text(token, "token"), Text(token, "state"), Text(token, "expires"),
               left.empty() || left == "null" ? "any" : left, Text(token, "note")});
  }
  table.Print();
  return Exit::kOk;
}

Exit RevokeTokens(Session& session, const std::vector<std::string>& tokens, Form form) {
  boost::json::array ids;
  for (const std::string& token : tokens) ids.emplace_back(token);
  server::AdminMessage request;
  request.json = {{"command", "token-revoke"}, {"tokens", std::move(ids)}};
  const auto answer = session.Call(std::move(request));
  if (!answer) return PrintError(answer.error(), form);
  if (form == Form::kJson) {
    PrintJson(answer->json);
  } else {
    PrintLine("Revoked: " + Text(answer->json, "revoked") +
              ". Packages with a revoked token still install; countersign agents approve ID admits "
              "what they make.");
  }
  return Exit::kOk;
}

}  // namespace countersign::cli
