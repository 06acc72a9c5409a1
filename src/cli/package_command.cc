#include "cli/package_command.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <utility>

#include "base/files.h"
#include "base/process.h"
#include "cli/endpoint_package.h"
#include "cli/output_file.h"
#include "cli/shell_word.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;

// A folder that is filled before it is put in its place; none where the package is a file.
using PlacedFolder = std::optional<NewFolder>;

// Where the package goes, before a token is made for it that no package would hold.
Result<PlacedFolder> PreparePlace(const fs::path& output) {
  if (output.empty()) return Fail(Code::kUsage, "-o: a file or folder is needed, and it is empty");
  const auto form = PackageFormOf(output);
  if (!form) return std::unexpected(form.error());
  std::error_code failed;
  if (*form == PackageForm::kFolder) {
    if (fs::exists(output, failed) && !fs::is_directory(output, failed)) {
      return Fail(Code::kAlreadyExists, output.string() + " is there already, and no folder",
                  "give the name of a new folder, or of a file that ends in .tar.gz or .deb");
    }
    auto folder = NewFolder::Begin(output);
    if (!folder) return std::unexpected(std::move(folder).error());
    return PlacedFolder(*std::move(folder));
  }
  COUNTERSIGN_RETURN_IF_ERROR(CheckOutput(output, Existing::kReplace));
  // Whether anything can be made there, only trying tells: it is gone with this object.
  const auto trial = NewFolder::Begin(output.string() + ".trial");
  if (!trial) return WithContext("cannot write " + output.string(), trial.error());
  return PlacedFolder();
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

Status FillFolder(const fs::path& folder, const EndpointPackage& package) {
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

Status WritePackage(const fs::path& output, PackageForm form, PlacedFolder& folder,
                    const EndpointPackage& package, bool secret, Instant at) {
  if (folder) {
    COUNTERSIGN_RETURN_IF_ERROR(FillFolder(folder->path(), package));
    return folder->PutInPlace();
  }
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
    if (*until <= ReadClocks().wall) {
      return Fail(Code::kUsage, "--until " + command.until + " is past: its token admits nobody",
                  "--until with a later day, or --days 30");
    }
    request.json["until"] = ToUnix(*until);
  }
  return session.Call(std::move(request));
}

// The token of a package that could not be written would be good, and in nobody's hands that one
// knows of.
Error WithoutToken(Session& session, const boost::json::object& answer, Error error) {
  if (!answer.contains("token")) return error;
  const std::string token = Text(answer, "token");
  server::AdminMessage request;
  request.json = {{"command", "token-revoke"}, {"tokens", boost::json::array{token}}};
  if (session.Call(std::move(request))) {
    error.message += "; its token was taken back";
  } else {
    error.next = "countersign token revoke " + token;
  }
  return error;
}

void PrintHowTo(const PackageCommand& command, PackageForm form,
                const boost::json::object& answer) {
  const fs::path& output = command.output;
  const fs::path name = output.has_filename() ? output.filename() : output.parent_path().filename();
  PrintLine("The package is in " + output.string() + ". On the endpoint, as administrator:");
  switch (form) {
    case PackageForm::kDeb:
      PrintLine("  dpkg -i " + ShellWord(name.string()));
      break;
    case PackageForm::kTarGz:
      PrintLine(command.without_programs
                    ? "  countersign-agentd install --from " + ShellWord(name.string())
                    : "  tar -xzf " + ShellWord(name.string()) +
                          " && sh countersign-agent/install.sh");
      break;
    case PackageForm::kFolder:
      PrintLine(command.without_programs
                    ? "  countersign-agentd install --from " + ShellWord(name.string())
                    : "  sh " + ShellWord((name / "install.sh").string()));
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
  auto place = PreparePlace(command.output);
  if (!place) return PrintError(place.error(), form);
  const PackageForm kind = *PackageFormOf(command.output);
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
  auto answer = AskForPackage(session, command);
  if (!answer) return PrintError(answer.error(), form);
  package.certificate = answer->blobs.at(0);
  package.settings = answer->blobs.at(1);
  const bool secret = answer->json.contains("token") || answer->json.contains("secret");
  const auto written =
      WritePackage(command.output, kind, *place, package, secret, MadeAt(answer->json));
  if (!written) return PrintError(WithoutToken(session, answer->json, written.error()), form);
  if (form == Form::kJson) {
    PrintJson(answer->json);
  } else {
    PrintHowTo(command, kind, answer->json);
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
