#include "cli/server_commands.h"

#include <optional>
#include <utility>

#include "base/encoding.h"
#include "base/files.h"
#include "base/process.h"
#include "cli/passwords.h"
#include "crypto/hash.h"
#include "crypto/pkcs12.h"
#include "keys/backup.h"
#include "server/host.h"

namespace countersign::cli {
namespace {

PasswordSource BackupPassword(const InitCommand& command) {
  return {.what = "password of the automatic backup (at least 12 characters)",
          .file = command.password_file,
          .environment = "COUNTERSIGN_PASSWORD",
          .credential = "backup-password",
          .option = "--password-file"};
}

Result<SecretBytes> ImportPassword(const InitCommand& command) {
  return GetPassword({.what = "password of " + command.import_file,
                      .file = command.import_password_file,
                      .environment = "COUNTERSIGN_IMPORT_PASSWORD",
                      .credential = "import-password",
                      .option = "--import-password-file"},
                     Prompt::kOnce);
}

// The documented places of CertificateManager and IpXfer. Only root may make links that others
// follow; otherwise the output names them.
std::string PlaceTools(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::error_code failed;
  const fs::path programs = fs::read_symlink("/proc/self/exe", failed).parent_path();
  if (UserName() != "root") {
    return "CertificateManager and IpXfer are in " + programs.string() +
           " (init as root also puts them under PCCSRV/Admin/Utility).";
  }
  const fs::path manager = folder / "PCCSRV/Admin/Utility/CertificateManager";
  const fs::path mover = folder / "PCCSRV/Admin/Utility/IpXfer";
  fs::create_directories(manager, failed);
  fs::create_directories(mover, failed);
  fs::create_symlink(programs / "CertificateManager", manager / "CertificateManager", failed);
  for (const char* const name : {"IpXfer", "IpXfer_x64"}) {
    fs::copy_file(programs / name, mover / name, failed);
  }
  return failed ? "CertificateManager and IpXfer are in " + programs.string() + "."
                : "CertificateManager and IpXfer are under PCCSRV/Admin/Utility.";
}

void PrintOutcome(const InitCommand& command, const crypto::Certificate& certificate,
                  const SecretBytes* generated, Form form) {
  const std::string tools = PlaceTools(command.folder);
  if (form == Form::kJson) {
    boost::json::object answer = {{"ok", true},
                                  {"folder", command.folder.string()},
                                  {"serial", certificate.serial()},
                                  {"not_after", FormatUtc(certificate.not_after())},
                                  {"sha256", HexLower(certificate.thumbprint())}};
    if (generated != nullptr) answer["generated_password"] = generated->text();
    PrintJson(answer);
    return;
  }
  PrintLine("The server is in " + command.folder.string() + ". Its certificate:");
  PrintCertificate({{"store", store::kStoreActive},
                    {"name", certificate.common_name()},
                    {"not_before", FormatUtc(certificate.not_before())},
                    {"not_after", FormatUtc(certificate.not_after())},
                    {"serial", certificate.serial()},
                    {"sha256", HexLower(certificate.thumbprint())},
                    {"sha1", HexLower(crypto::Sha1(certificate.der()))},
                    {"key", certificate.key().Description()}},
                   "  ");
  if (generated != nullptr) {
    PrintLine("The password of the automatic backup, shown only now:");
    PrintLine("  " + std::string(generated->text()));
  }
  PrintLine("Keep a copy of AuthCertBackup/OfficeScanAuth.dat and its password in another place:");
  PrintLine("they are the only way back if this machine is lost.");
  PrintLine(tools);
  PrintLine("next: countersignd --data " + command.folder.string());
}

Exit MakeFolder(const InitCommand& command, const server::InitRequest& request,
                const SecretBytes* generated, Form form) {
  const auto log = MakeQuietLog();
  const auto certificate = server::InitServerFolder(request, *log, ReadClocks().wall);
  if (!certificate) return PrintError(certificate.error(), form);
  PrintOutcome(command, *certificate, generated, form);
  return Exit::kOk;
}

Exit InitByImport(const InitCommand& command, server::InitRequest request, Form form) {
  const auto file = ReadFile(command.import_file, crypto::kPkcs12MaxLen);
  if (!file) return PrintError(file.error(), form);
  const auto import_password = ImportPassword(command);
  if (!import_password) return PrintError(import_password.error(), form);
  auto own = GivenPassword(BackupPassword(command));
  if (!own) return PrintError(own.error(), form);
  request.import_file = &*file;
  request.import_password = &*import_password;
  if (!own->empty()) request.backup_password = &*own;
  return MakeFolder(command, request, nullptr, form);
}

}  // namespace

Exit InitServer(const InitCommand& command, Form form) {
  ForbidCoreDumps();
  server::InitRequest request{.path = command.folder, .config = command.config};
  if (!command.import_file.empty()) return InitByImport(command, request, form);
  if (command.generate_password) {
    crypto::SystemRandom random;
    const SecretBytes generated = keys::GeneratePassword(random);
    request.backup_password = &generated;
    return MakeFolder(command, request, &generated, form);
  }
  const auto password = GetPassword(BackupPassword(command), Prompt::kTwice);
  if (!password) return PrintError(password.error(), form);
  request.backup_password = &*password;
  return MakeFolder(command, request, nullptr, form);
}

}  // namespace countersign::cli
