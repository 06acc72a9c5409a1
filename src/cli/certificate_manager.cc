#include "cli/certificate_manager.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/process.h"
#include "cli/certificate_commands.h"
#include "cli/passwords.h"
#include "cli/switches.h"
#include "cli/usage.h"

namespace countersign::cli {
namespace {

constexpr std::string_view kHelp = R"(CertificateManager: the server authentication certificate

  -c PASSWORD           make a new certificate and replace the present one; PASSWORD is that of
                        the automatic backup (AuthCertBackup/OfficeScanAuth.dat)
  -e PATH               export the public certificate in use (OfcNTCer.dat) for agents
  -i PASSWORD FILE      import a PKCS#12 file; its key stays exportable
  -ine PASSWORD FILE    import a PKCS#12 file; its key can not be exported again
  -l FILE.csv           list every agent without a valid certificate into a CSV file

  -data FOLDER          the server's folder (else COUNTERSIGN_DATA, /var/lib/countersign)
  -replace              with -i, -ine: cut off the agents that hold the present certificate
  -clock-is-right       with -c: the clock stands before the newest certificate, and is right
  -bom                  with -l: begin the file with a byte order mark
  -json                 one JSON object as output

A password given as "-" is read from standard input, one as "" is asked for. Relative paths belong
to the folder you are in. Exit codes: 0 done, 2 usage, 3 not found, 5 not permitted, 6 wrong
password, 7 refused, 8 not reachable, 13 damaged file; all of them: docs/exit-codes.md.
)";

const std::vector<SwitchSpec> kSpecs = {{"c", 1},
                                        {"e", 1},
                                        {"i", 2},
                                        {"ine", 2},
                                        {"l", 1},
                                        {"data", 1},
                                        {"json", 0},
                                        {"replace", 0},
                                        {"bom", 0},
                                        {"help", 0},
                                        {"clock-is-right", 0}};

// WipePasswords removes what follows -c, -i and -ine from the process list at once.
void WipePasswords(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; ++i) {
    const std::string name = SwitchName(argv[i]);
    if (name == "c" || name == "i" || name == "ine") WipeArgument(argv[++i]);
  }
}

// PasswordOf takes the password argument: itself, "-" for standard input, "" for a prompt.
Result<SecretBytes> PasswordOf(const std::string& value, std::string what) {
  if (!value.empty() && value != "-") return SecretBytes::OwnText(value);
  return GetPassword({.what = std::move(what),
                      .file = value,
                      .environment = "COUNTERSIGN_PASSWORD",
                      .credential = "",
                      .option = "a password"},
                     Prompt::kOnce);
}

Exit Import(Session& session, const Switches& switches, bool exportable, Form form) {
  const std::string_view name = exportable ? "i" : "ine";
  const auto password = PasswordOf(switches.Value(name, 0), "password of the PKCS#12 file");
  if (!password) return PrintError(password.error(), form);
  return ImportCertificate(session,
                           {.file = switches.Value(name, 1),
                            .exportable = exportable,
                            .replace = switches.Has("replace")},
                           *password, SecretBytes(), form);
}

Exit Replace(Session& session, const Switches& switches, Form form) {
  const auto password = PasswordOf(switches.Value("c"), "password of the automatic backup");
  if (!password) return PrintError(password.error(), form);
  return ReplaceCertificate(session, *password, switches.Has("clock-is-right"), form);
}

Exit Run(const Switches& switches) {
  const Form form = switches.Has("json") ? Form::kJson : Form::kText;
  int commands = 0;
  for (const std::string_view name : {"c", "e", "i", "ine", "l"})
    commands += switches.Has(name) ? 1 : 0;
  if (commands != 1) {
    return PrintError(
        {Code::kUsage, "exactly one of -c -e -i -ine -l is needed", "CertificateManager -help"},
        form);
  }
  auto session = Session::Open(DataFolder(switches.Value("data")));
  if (!session) return PrintError(session.error(), form);
  if (switches.Has("c")) return Replace(*session, switches, form);
  if (switches.Has("e")) return ExportCertificate(*session, switches.Value("e"), form);
  if (switches.Has("i")) return Import(*session, switches, true, form);
  if (switches.Has("ine")) return Import(*session, switches, false, form);
  return ListMismatched(*session, switches.Value("l"), switches.Has("bom") ? Bom::kYes : Bom::kNo,
                        form);
}

}  // namespace

int RunCertificateManager(int argc, char** argv) {
  ForbidCoreDumps();
  const std::vector<std::string> args(argv + 1, argv + argc);
  WipePasswords(argc, argv);
  const auto switches = Switches::Parse(args, kSpecs);
  if (!switches) return static_cast<int>(PrintError(switches.error(), FormOf(args)));
  if (switches->Has("help") || args.empty()) {
    Print(kHelp);
    return static_cast<int>(args.empty() ? Exit::kUsage : Exit::kOk);
  }
  return static_cast<int>(Run(*switches));
}

}  // namespace countersign::cli
