#include "cli/certificate_manager.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/process.h"
#include "cli/archive_commands.h"
#include "cli/certificate_commands.h"
#include "cli/owner_commands.h"
#include "cli/pasted.h"
#include "cli/usage.h"

namespace countersign::cli {
namespace {

constexpr std::string_view kHelp = R"(CertificateManager: the server authentication certificate

  -c PASSWORD           make a new certificate and replace the present one; PASSWORD is that of
                        the automatic backup (AuthCertBackup/OfficeScanAuth.dat)
  -b PASSWORD FILE      back up certificates and keys into a ZIP, under a PASSWORD of its own
  -r PASSWORD FILE      restore from it; the keys can be exported again
  -re PASSWORD FILE     restore from it; the keys can not be exported again
  -e PATH               export the public certificate in use (OfcNTCer.dat) for agents
  -i PASSWORD FILE      import a key and its certificate; the key can be exported again
  -ine PASSWORD FILE    import them; the key can not be exported again
  -l FILE.csv           list every agent without a valid certificate; - for standard output

  -password-file FILE   the password is the first line of FILE (- for standard input), and is left
                        out behind the switch: CertificateManager -ine FILE -password-file SECRET
  -password-fd N        the same, from an open file descriptor
  -backup-password-file FILE   with -i -ine -r -re: another password for the new automatic backup;
                        with -b -owner: that of the automatic backup
  -present-password-file FILE  with -i -ine -r -re: that of the present automatic backup; it brings
                        the agents of both identities together
  -key THUMBPRINT       with -i -ine -r -re: which key of several
  -replace              with -i -ine -r -re: cut off the agents that hold the present certificate;
                        with -b, -c -offline: overwrite an existing file
  -owner                with -b: the owner key, too
  -compromised          with -c: the present keys were stolen; revoke their certificates
  -offline FILE         with -c, without PASSWORD: write a request to the owner, whose part is done
                        on another machine; with -compromised this is the way, unless
  -on-this-server       with -c -compromised: nobody else is on this server
  -clock-is-right       with -c: the clock stands before the newest certificate, and is right
  -bom                  with -l: begin the file with a byte order mark
  -data FOLDER          the server's folder (else COUNTERSIGN_DATA, /var/lib/countersign)
  -json                 one JSON object as output

A PASSWORD "-" is read from standard input; "" is COUNTERSIGN_PASSWORD, or is asked for. Relative
paths belong to the folder you are in. Exit codes: 0 done (-l: nobody is listed), 22 -l: some are
listed, 2 usage, 3 not found, 4 exists already, 5 not permitted, 6 wrong password, 7 refused,
8 not reachable, 13 no such file as is needed; all of them: docs/exit-codes.md.
)";

using enum ValueKind;

const std::vector<SwitchSpec> kSpecs = {{"c", {kSecret}},
                                        {"b", {kSecret, kPath}},
                                        {"r", {kSecret, kPath}},
                                        {"re", {kSecret, kPath}},
                                        {"e", {kPath}},
                                        {"i", {kSecret, kPath}},
                                        {"ine", {kSecret, kPath}},
                                        {"l", {kPath}},
                                        {"password-file", {kPath}},
                                        {"password-fd", {kText}},
                                        {"backup-password-file", {kPath}},
                                        {"present-password-file", {kPath}},
                                        {"key", {kText}},
                                        {"replace"},
                                        {"owner"},
                                        {"clock-is-right"},
                                        {"compromised"},
                                        {"on-this-server"},
                                        {"offline", {kPath}},
                                        {"bom"},
                                        {"data", {kPath}},
                                        {"json"},
                                        {"help"},
                                        {"version"}};

constexpr std::array<std::string_view, 8> kCommands = {"c", "b", "r", "re", "e", "i", "ine", "l"};

// Options, and the commands that know them.
const std::vector<std::pair<std::string_view, std::vector<std::string_view>>> kOptions = {
    {"password-file", {"c", "b", "r", "re", "i", "ine"}},
    {"password-fd", {"c", "b", "r", "re", "i", "ine"}},
    {"backup-password-file", {"b", "r", "re", "i", "ine"}},
    {"present-password-file", {"r", "re", "i", "ine"}},
    {"key", {"r", "re", "i", "ine"}},
    {"replace", {"b", "c", "r", "re", "i", "ine"}},
    {"owner", {"b"}},
    {"clock-is-right", {"c"}},
    {"compromised", {"c"}},
    {"on-this-server", {"c"}},
    {"offline", {"c"}},
    {"bom", {"l"}}};

// TakesNoPassword: these say where the password comes from, or that none is needed.
bool TakesNoPassword(std::string_view arg) {
  return IsSwitch(arg, "password-file") || IsSwitch(arg, "password-fd") || IsSwitch(arg, "offline");
}

// TakePasswordOptions looks for -password-file, -password-fd and -offline anywhere, also where the
// password would stand, and puts them with their values in front. Tells whether there are any.
bool TakePasswordOptions(Words& args) {
  std::size_t front = 0;
  for (std::size_t i = 0; i + 1 < args.size(); ++i) {
    const std::string_view arg = args[i].text();
    if (!TakesNoPassword(arg)) continue;
    const auto at = [&](std::size_t index) {
      return args.begin() + static_cast<std::ptrdiff_t>(index);
    };
    std::rotate(at(front), at(i), at(i + 2));
    front += 2;
    ++i;
  }
  return front > 0;
}

std::vector<SwitchSpec> WithoutPasswords(std::vector<SwitchSpec> specs) {
  for (auto& spec : specs) std::erase(spec.values, kSecret);
  return specs;
}

// CommandOf names the one command; kUsage if there is none, several, or an option of another.
Result<std::string_view> CommandOf(const Switches& switches) {
  std::string_view command;
  for (const auto name : kCommands) {
    if (!switches.Has(name)) continue;
    if (!command.empty()) command = "several";
    if (command.empty()) command = name;
  }
  if (command.empty() || command == "several") {
    return Fail(Code::kUsage, "exactly one of -c -b -r -re -e -i -ine -l is needed",
                "CertificateManager -help");
  }
  for (const auto& [option, commands] : kOptions) {
    if (switches.Has(option) && std::ranges::find(commands, command) == commands.end()) {
      return Fail(Code::kUsage,
                  "-" + std::string(option) + " does not belong to -" + std::string(command),
                  "CertificateManager -help");
    }
  }
  return command;
}

// A password forgotten behind -c must not make a theft look like a wrong password.
bool IsOptionOfReplace(const SecretBytes* password) {
  if (password == nullptr) return false;
  const std::string_view text = password->text();
  return IsSwitch(text, "compromised") || IsSwitch(text, "on-this-server") ||
         IsSwitch(text, "clock-is-right");
}

// Invocation carries out a parsed command line.
class Invocation {
 public:
  explicit Invocation(const Switches& switches)
      : switches_(switches), form_(switches.Has("json") ? Form::kJson : Form::kText) {}

  Exit Run() {
    const auto command = CommandOf(switches_);
    if (!command) return PrintError(command.error(), form_);
    auto session = Session::Find(DataFolder(switches_.Value("data")));
    if (!session) return PrintError(session.error(), form_);
    if (*command == "c") return Replace(*session);
    if (*command == "b") return Archive(*session);
    if (*command == "e") return ExportCertificate(*session, switches_.Value("e"), form_);
    if (*command == "l") {
      return ListMismatched(*session, switches_.Value("l"),
                            switches_.Has("bom") ? Bom::kYes : Bom::kNo, form_);
    }
    return Import(*session, *command);
  }

 private:
  [[nodiscard]] bool ByOption() const {
    return switches_.Has("password-file") || switches_.Has("password-fd");
  }

  [[nodiscard]] PasswordSource PasswordOf(std::string_view command) const {
    PasswordSource source = AutomaticBackupPassword();
    source.option = "-password-file";
    if (!ByOption()) source.argument = switches_.Secret(command, 0);
    source.file = switches_.Value("password-file");
    source.fd = switches_.Value("password-fd");
    return source;
  }

  [[nodiscard]] std::string FileOf(std::string_view command) const {
    return switches_.Value(command, ByOption() ? 0 : 1);
  }

  [[nodiscard]] std::optional<std::string> Option(std::string_view name) const {
    if (!switches_.Has(name)) return std::nullopt;
    return switches_.Value(name);
  }

  Exit Replace(Session& session) const {
    if (switches_.Has("offline")) {
      return AskOwner(session,
                      {.file = switches_.Value("offline"),
                       .compromised = switches_.Has("compromised"),
                       .clock_is_right = switches_.Has("clock-is-right"),
                       .replace = switches_.Has("replace"),
                       .replace_option = "-replace"},
                      form_);
    }
    if (switches_.Has("replace")) {
      return PrintError({Code::kUsage, "-replace goes with -c only where -offline FILE is given",
                         "CertificateManager -help"},
                        form_);
    }
    if (IsOptionOfReplace(switches_.Secret("c", 0))) {
      return PrintError(
          {Code::kUsage,
           "the PASSWORD is missing behind -c: what stands there is an option of -c. If "
           "it is the password, give it by -password-file",
           "CertificateManager -help"},
          form_);
    }
    return ReplaceCertificate(session,
                              {.password = PasswordOf("c"),
                               .clock_is_right = switches_.Has("clock-is-right"),
                               .compromised = switches_.Has("compromised"),
                               .on_this_server = switches_.Has("on-this-server")},
                              form_);
  }

  Exit Archive(Session& session) const {
    return MakeArchive(session,
                       {.file = FileOf("b"),
                        .password = PasswordOf("b"),
                        .with_owner = switches_.Has("owner"),
                        .backup_password_file = Option("backup-password-file"),
                        .replace = switches_.Has("replace"),
                        .replace_option = "-replace"},
                       form_);
  }

  Exit Import(Session& session, std::string_view command) const {
    return ImportIdentity(session,
                          {.file = FileOf(command),
                           .password = PasswordOf(command),
                           .exportable = command == "i" || command == "r",
                           .restore = command.starts_with('r'),
                           .replace = switches_.Has("replace"),
                           .key = switches_.Value("key"),
                           .backup_password_file = Option("backup-password-file"),
                           .present_password_file = Option("present-password-file")},
                          form_);
  }

  const Switches& switches_;
  Form form_;
};

}  // namespace

int RunCertificateManager(int argc, char** argv) {
  ForbidCoreDumps();
  auto args = TakeArguments(argc, argv, kSpecs);
  if (!args) return static_cast<int>(PrintError(args.error(), Form::kText));
  const Form form = FormOf(*args);
  const bool empty = args->empty();
  const bool without = TakePasswordOptions(*args);
  const auto switches = ParsePasted(*std::move(args), without ? WithoutPasswords(kSpecs) : kSpecs);
  if (!switches) return static_cast<int>(PrintError(switches.error(), form));
  if (switches->Has("version")) {
    PrintLine(COUNTERSIGN_VERSION);
    return static_cast<int>(Exit::kOk);
  }
  if (switches->Has("help") || empty) {
    Print(kHelp);
    return static_cast<int>(empty ? Exit::kUsage : Exit::kOk);
  }
  return static_cast<int>(Invocation(*switches).Run());
}

}  // namespace countersign::cli
