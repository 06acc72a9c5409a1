#include "cli/server_commands.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "base/files.h"
#include "base/process.h"
#include "base/terminal.h"
#include "base/user.h"
#include "cli/archive_commands.h"
#include "cli/certificate_file.h"
#include "cli/init_dialogue.h"
#include "cli/progress.h"
#include "cli/shell_word.h"
#include "crypto/hash.h"
#include "keys/backup.h"
#include "server/events.h"
#include "server/host.h"
#include "wire/move_target.h"

namespace countersign::cli {
namespace {

PasswordSource BackupPassword(const InitCommand& command) {
  PasswordSource source = AutomaticBackupPassword();
  source.what += " (at least 12 characters)";
  source.file = command.password_file;
  source.fd = command.password_fd;
  source.credential = "backup-password";
  return source;
}

PasswordSource ImportPassword(const InitCommand& command) {
  return {.what = "password of " + command.import_file,
          .file = command.import_password_file,
          .fd = command.import_password_fd,
          .environment = "COUNTERSIGN_IMPORT_PASSWORD",
          .credential = "import-password",
          .option = "--import-password-file",
          .empty = EmptySecret::kAllowed};
}

PasswordSource OwnerPassword(const InitCommand& command) {
  return {.what = "password of " + command.owner_file,
          .file = command.owner_password_file,
          .environment = "COUNTERSIGN_OWNER_PASSWORD",
          .credential = "owner-password",
          .option = "--owner-password-file"};
}

// PlaceMover copies the mover, which is carried to endpoints from there; both names are one
// program. Wholly or not at all, also where the disk is full.
bool PlaceMover(const std::filesystem::path& program, const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  const fs::path unfinished = folder / ".IpXfer.new";
  std::error_code failed;
  fs::copy_file(program, unfinished, fs::copy_options::overwrite_existing, failed);
  if (!failed) fs::rename(unfinished, folder / "IpXfer", failed);
  if (!failed) fs::create_hard_link(folder / "IpXfer", folder / "IpXfer_x64", failed);
  std::error_code ignored;
  fs::remove(unfinished, ignored);
  return !failed;
}

// The documented places of CertificateManager and IpXfer. Only root may make links that others
// follow; otherwise the output names them.
std::string PlaceTools(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::error_code failed;
  const fs::path programs = fs::read_symlink("/proc/self/exe", failed).parent_path();
  if (RealUser().uid != 0) {
    return "CertificateManager and IpXfer are in " + programs.string() +
           " (init as root also puts them under PCCSRV/Admin/Utility).";
  }
  const fs::path manager = folder / "PCCSRV/Admin/Utility/CertificateManager";
  const fs::path mover = folder / "PCCSRV/Admin/Utility/IpXfer";
  fs::create_directories(manager, failed);
  if (!failed) fs::create_directories(mover, failed);
  if (!failed) {
    fs::create_symlink(programs / "CertificateManager", manager / "CertificateManager", failed);
  }
  return failed || !PlaceMover(programs / "IpXfer", mover)
             ? "CertificateManager and IpXfer are in " + programs.string() + "."
             : "CertificateManager and IpXfer are under PCCSRV/Admin/Utility.";
}

void PrintJsonOutcome(const InitCommand& command, const server::Issued& issued,
                      const SecretBytes* generated) {
  boost::json::array notes;
  for (const auto& note : issued.notes) notes.emplace_back(note);
  boost::json::object answer = {{"ok", true},
                                {"folder", command.folder.string()},
                                {"serial", issued.certificate.serial()},
                                {"not_after", FormatUtc(issued.certificate.not_after())},
                                {"sha256", HexLower(issued.certificate.thumbprint())},
                                {"owner_key", issued.owner_key},
                                {"notes", std::move(notes)}};
  if (generated != nullptr) answer["generated_password"] = generated->text();
  PrintJson(answer);
}

void PrintOutcome(const InitCommand& command, const server::Issued& issued,
                  const SecretBytes* generated, Form form) {
  const std::string tools = PlaceTools(command.folder);
  if (form == Form::kJson) {
    PrintJsonOutcome(command, issued, generated);
    return;
  }
  PrintLine("The server is in " + command.folder.string() + ". Its certificate:");
  boost::json::object certificate = CertificateFields(issued.certificate);
  certificate["store"] = store::kStoreActive;
  PrintCertificate(certificate, "  ");
  for (const auto& note : issued.notes) PrintLine("note: " + note);
  if (generated != nullptr) {
    PrintLine("The password of the automatic backup, shown only now:");
    PrintLine("  " + std::string(generated->text()));
  }
  PrintLine("Keep a copy of AuthCertBackup/OfficeScanAuth.dat and its password in another place:");
  PrintLine("they are the only way back if this machine is lost.");
  PrintLine(tools);
  PrintLine("next: countersignd --data " + ShellWord(command.folder.string()));
}

Exit MakeFolder(const InitCommand& command, const server::InitRequest& request,
                const SecretBytes* generated, Form form) {
  const auto log = MakeQuietLog();
  std::optional<Progress> progress(std::in_place, "making the server's folder");
  const auto issued = server::InitServerFolder(request, *log, ReadClocks().wall);
  progress.reset();
  if (!issued) return PrintError(issued.error(), form);
  PrintOutcome(command, *issued, generated, form);
  return Exit::kOk;
}

Exit InitByImport(const InitCommand& command, server::InitRequest request, Form form) {
  const auto file = ReadFile(command.import_file, kMaxKeyFileLen);
  if (!file) return PrintError(file.error(), form);
  const auto import_password = GetPassword(ImportPassword(command), Prompt::kOnce);
  if (!import_password) return PrintError(import_password.error(), form);
  const auto own = GivenPassword(BackupPassword(command));
  if (!own) return PrintError(own.error(), form);
  request.import_file = &*file;
  request.import_password = &*import_password;
  request.import_key = command.import_key;
  if (*own) request.backup_password = &**own;
  return MakeFolder(command, request, nullptr, form);
}

// The owner of another server certifies this one, too.
Exit InitUnderOwner(const InitCommand& command, server::InitRequest request, Form form) {
  const auto file = ReadFile(command.owner_file, kMaxKeyFileLen);
  if (!file) return PrintError(file.error(), form);
  const auto owner_password = GetPassword(OwnerPassword(command), Prompt::kOnce);
  if (!owner_password) return PrintError(owner_password.error(), form);
  const auto own = GetPassword(BackupPassword(command), Prompt::kTwice);
  if (!own) return PrintError(own.error(), form);
  request.owner_file = &*file;
  request.owner_password = &*owner_password;
  request.backup_password = &*own;
  return MakeFolder(command, request, nullptr, form);
}

Exit InitByDialogue(const InitCommand& command, server::InitRequest request, Form form) {
  const auto answers = AskOnTerminal(command.folder);
  if (!answers) return PrintError(answers.error(), form);
  if (!answers->backup_password.empty()) request.backup_password = &answers->backup_password;
  if (answers->import_file.empty()) return MakeFolder(command, request, nullptr, form);
  const auto file = ReadFile(answers->import_file, kMaxKeyFileLen);
  if (!file) return PrintError(file.error(), form);
  request.import_file = &*file;
  request.import_password = &answers->import_password;
  return MakeFolder(command, request, nullptr, form);
}

Status CheckOptions(const InitCommand& command) {
  const bool import = !command.import_file.empty();
  const std::string& host = command.config.public_host;
  if (!host.empty() && !wire::IsMoveHost(host)) {
    const bool ascii = std::ranges::all_of(host, [](char c) { return c > 0 && c <= '~'; });
    return Fail(Code::kUsage,
                "--public-host \"" + host + "\" is no host name and no address" +
                    (ascii ? "" : ": letters beyond ASCII are not taken"),
                ascii ? "--public-host server.example.com, or --public-host 192.0.2.7"
                      : "--public-host with the name's xn-- form (idn2 NAME shows it)");
  }
  if (!import && !command.config.follower_of.empty()) {
    return Fail(Code::kUsage, "--follower needs --import: the issuer's OfficeScanAuth.dat",
                "countersign server init --follower NAME --import OfficeScanAuth.dat");
  }
  if (!import && !command.import_key.empty()) {
    return Fail(Code::kUsage, "--key needs --import");
  }
  if (import && (!command.owner_file.empty() || command.generate_password)) {
    return Fail(Code::kUsage, "--import goes neither with --owner-from nor --generate-password");
  }
  return {};
}

bool IsDialogueWanted(const InitCommand& command, Form form) {
  return !command.has_options && form == Form::kText && InputIsTerminal() && OutputIsTerminal() &&
         GetEnvironment("COUNTERSIGN_PASSWORD").empty() &&
         GetEnvironment("CREDENTIALS_DIRECTORY").empty();
}

}  // namespace

Exit InitServer(const InitCommand& command, Form form) {
  ForbidCoreDumps();
  if (const auto fine = CheckOptions(command); !fine) return PrintError(fine.error(), form);
  server::InitRequest request;
  request.path = command.folder;
  request.config = command.config;
  request.by = server::ThisActor();
  if (IsDialogueWanted(command, form)) return InitByDialogue(command, std::move(request), form);
  if (!command.import_file.empty()) return InitByImport(command, std::move(request), form);
  if (!command.owner_file.empty()) return InitUnderOwner(command, std::move(request), form);
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
