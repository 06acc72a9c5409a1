#include <CLI/CLI.hpp>
#include <memory>
#include <utility>

#include "cli/archive_commands.h"
#include "cli/certificate_commands.h"
#include "cli/command_line.h"

// countersign cert …: the same as CertificateManager.
namespace countersign::cli {
namespace {

// What std::optional<std::string> is for: "" asks for the password, which is not the same as none.
void AddSecondPassword(CLI::App* command, const std::string& option,
                       std::optional<std::string>& file, const std::string& text) {
  command->add_option_function<std::string>(
      option, [&file](const std::string& name) { file = name; }, text);
}

void AddReading(CommandLine& line, CLI::App* cert) {
  line.Then(cert->add_subcommand("list", "all certificates, with store, validity and thumbprints"),
            [](Session& session, Form form) { return ListCertificates(session, form); });
  auto* const show = cert->add_subcommand(
      "show", "every field of a certificate: that of FILE (DER or PEM), or the one in use");
  const auto file = std::make_shared<std::string>();
  show->add_option("file", *file, "OfcNTCer.dat, .cer, .pem; no server is needed");
  line.ThenAlone(show, [&line, file](Form form) {
    if (!file->empty()) return ShowCertificateFile(*file, form);
    auto session = Session::Find(DataFolder(line.data()));
    return session ? ShowCertificate(*session, form) : PrintError(session.error(), form);
  });
  auto* const exporting =
      cert->add_subcommand("export", "export OfcNTCer.dat (CertificateManager -e)");
  const auto path = std::make_shared<std::string>();
  exporting->add_option("path", *path, "file or folder")->required();
  line.Then(exporting, [path](Session& session, Form form) {
    return ExportCertificate(session, *path, form);
  });
}

void AddMismatched(CommandLine& line, CLI::App* cert) {
  auto* const mismatched = cert->add_subcommand(
      "mismatched", "every agent without a valid certificate, as CSV (CertificateManager -l)");
  const auto path = std::make_shared<std::string>();
  const auto bom = std::make_shared<bool>(false);
  mismatched->add_option("file", *path, "CSV file (- for standard output)")->required();
  mismatched->add_flag("--bom", *bom, "begin it with a byte order mark");
  line.Then(mismatched, [path, bom](Session& session, Form form) {
    return ListMismatched(session, *path, *bom ? Bom::kYes : Bom::kNo, form);
  });
}

void AddReplace(CommandLine& line, CLI::App* cert) {
  auto* const replace =
      cert->add_subcommand("replace", "make a new certificate (CertificateManager -c)");
  const auto command = std::make_shared<ReplaceCommand>();
  const auto password = std::make_shared<PasswordFlags>();
  password->AddTo(replace, "password of the automatic backup");
  replace->add_flag("--clock-is-right", command->clock_is_right,
                    "the clock stands before the newest certificate, and is right");
  replace->add_flag("--compromised", command->compromised,
                    "the present keys were stolen: revoke their certificates");
  replace->add_flag("--on-this-server", command->on_this_server,
                    "with --compromised: nobody else is on this server; otherwise the owner's part "
                    "is done elsewhere (countersign owner request --compromised)");
  line.Then(replace, [command, password](Session& session, Form form) {
    command->password = password->Source();
    return ReplaceCertificate(session, *command, form);
  });
}

void AddBackup(CommandLine& line, CLI::App* cert) {
  auto* const backup = cert->add_subcommand(
      "backup", "back up certificates and keys into a ZIP (CertificateManager -b)");
  const auto command = std::make_shared<ArchiveCommand>();
  const auto password = std::make_shared<PasswordFlags>();
  backup->add_option("file", command->file, "ZIP file to make")->required();
  password->AddTo(backup, "password for the ZIP");
  backup->add_flag("--owner", command->with_owner, "the owner key, too");
  AddSecondPassword(backup, "--backup-password-file", command->backup_password_file,
                    "with --owner: file with the password of the automatic backup (else "
                    "COUNTERSIGN_BACKUP_PASSWORD, else asked for)");
  backup->add_flag("--replace", command->replace, "overwrite an existing file");
  line.Then(backup, [command, password](Session& session, Form form) {
    command->password = password->Source();
    return MakeArchive(session, *command, form);
  });
}

void AddImport(CommandLine& line, CLI::App* cert, const std::string& name, const std::string& text,
               bool restore) {
  auto* const import = cert->add_subcommand(name, text);
  const auto command = std::make_shared<ImportCommand>();
  const auto password = std::make_shared<PasswordFlags>();
  command->restore = restore;
  import->add_option("file", command->file, "PKCS#12 file, OfficeScanAuth.dat or ZIP of -b")
      ->required();
  password->AddTo(import, "password of the file");
  import->add_flag_callback(
      "--not-exportable", [command] { command->exportable = false; },
      "the keys can not be exported again");
  import->add_option("--key", command->key, "which key of several: its thumbprint, or its begin");
  import->add_flag("--replace", command->replace,
                   "cut off the agents that hold the present certificate");
  AddSecondPassword(import, "--backup-password-file", command->backup_password_file,
                    "file with another password for the new automatic backup (\"\" asks; else "
                    "COUNTERSIGN_BACKUP_PASSWORD, else that of the file)");
  AddSecondPassword(import, "--present-password-file", command->present_password_file,
                    "file with the password of the present automatic backup, which brings the "
                    "agents of both identities together (\"\" asks; else "
                    "COUNTERSIGN_PRESENT_PASSWORD)");
  line.Then(import, [command, password](Session& session, Form form) {
    command->password = password->Source();
    return ImportIdentity(session, *command, form);
  });
}

}  // namespace

void AddCertificateCommands(CommandLine& line) {
  auto* const cert =
      line.app().add_subcommand("cert", "the server's certificates")->require_subcommand(1);
  AddReading(line, cert);
  AddMismatched(line, cert);
  AddReplace(line, cert);
  AddBackup(line, cert);
  AddImport(line, cert, "import",
            "take over a key and its certificate (CertificateManager -i, -ine)", false);
  AddImport(line, cert, "restore", "restore the ZIP of cert backup (CertificateManager -r, -re)",
            true);
}

}  // namespace countersign::cli
