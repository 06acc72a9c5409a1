#include "cli/archive_commands.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "cli/certificate_commands.h"
#include "cli/output_file.h"

namespace countersign::cli {
namespace {

std::string Counted(const boost::json::object& answer, std::string_view name,
                    const std::string& one) {
  const std::string count = Text(answer, name);
  return count + " " + one + (count == "1" ? "" : "s");
}

void PrintArchived(const boost::json::object& answer, const std::filesystem::path& file) {
  PrintLine(std::string(kSuccess) + "backed up " + Counted(answer, "certificates", "certificate") +
            " and " + Counted(answer, "keys", "private key") +
            (Flag(answer, "owner_key") ? ", with the owner key," : "") + " to " + file.string() +
            ".");
  PrintTexts(answer, "missing", "missing: ");
  PrintTexts(answer, "notes", "note: ");
  PrintLine(
      "Its password is the one that was given just now; that of the automatic backup is "
      "another matter and has not changed.");
}

void PrintImported(const boost::json::object& answer) {
  const auto* const replaced = answer.if_contains("replaced");
  if (replaced != nullptr && replaced->is_object()) {
    PrintLine("It replaces certificate " + Text(replaced->get_object(), "serial") +
              ", which is in \"OfficeScan NT Expired\" now.");
  }
  if (Flag(answer, "merged")) {
    PrintLine(
        "Both fleets are together: the agents of the imported identity follow to the "
        "certificate above at their next contact, those of the present one, too.");
  }
  if (!Flag(answer, "owner_key")) {
    PrintLine(
        "WARNING: the owner key is not in the new automatic backup: -c can make no certificate for "
        "these agents.");
  }
}

// Who types the two values in the wrong order is told, before the password shows up in a message as
// a file that is not there.
Status CheckOrder(const ImportCommand& command) {
  std::error_code failed;
  const SecretBytes* const password = command.password.argument;
  if (password == nullptr || std::filesystem::exists(command.file, failed) ||
      !NamesFile(*password)) {
    return {};
  }
  return Fail(Code::kUsage, "the password comes first, then the file; nothing was done",
              "CertificateManager -ine PASSWORD FILE");
}

}  // namespace

Exit MakeArchive(Session& session, const ArchiveCommand& command, Form form) {
  const Existing existing = command.replace ? Existing::kReplace : Existing::kKeep;
  const auto fine = CheckOutput(command.file, existing, command.replace_option);
  if (!fine) return PrintError(fine.error(), form);
  PasswordSource source = command.password;
  source.what = "password of the archive " + command.file.string();
  auto password = GetPassword(source, Prompt::kTwice);
  if (!password) return PrintError(password.error(), form);
  server::AdminMessage request;
  request.json = {{"command", "archive"}, {"with_owner", command.with_owner}};
  request.secrets.push_back(*std::move(password));
  if (command.with_owner) {
    PasswordSource backup = NewBackupPassword();
    backup.what = "password of the automatic backup";
    backup.file = command.backup_password_file.value_or("");
    auto owner = GetPassword(backup, Prompt::kOnce);
    if (!owner) return PrintError(owner.error(), form);
    request.secrets.push_back(*std::move(owner));
  }
  const auto answer = session.Call(std::move(request), "backing up certificates and keys");
  if (!answer) return PrintError(answer.error(), form);
  const auto written = WriteOutput(command.file, answer->blobs.at(0), FileMode::kPrivate, existing);
  if (!written) return PrintError(written.error(), form);
  if (form == Form::kJson) {
    boost::json::object shown = answer->json;
    shown["file"] = command.file.string();
    PrintJson(shown);
  } else {
    PrintArchived(answer->json, command.file);
  }
  return Exit::kOk;
}

Exit ImportIdentity(Session& session, const ImportCommand& command, Form form) {
  if (const auto fine = CheckOrder(command); !fine) return PrintError(fine.error(), form);
  auto file = ReadFile(command.file, kMaxKeyFileLen);
  if (!file) return PrintError(file.error(), form);
  PasswordSource source = command.password;
  source.what = "password of " + command.file.string();
  source.empty = EmptySecret::kAllowed;
  auto password = GetPassword(source, Prompt::kOnce);
  if (!password) return PrintError(password.error(), form);
  auto fresh = SecondPassword(command.backup_password_file, NewBackupPassword(), Prompt::kTwice);
  if (!fresh) return PrintError(fresh.error(), form);
  auto present =
      SecondPassword(command.present_password_file, PresentBackupPassword(), Prompt::kOnce);
  if (!present) return PrintError(present.error(), form);
  server::AdminMessage request;
  request.json = {{"command", "import"},
                  {"exportable", command.exportable},
                  {"cut_off", command.replace},
                  {"restore", command.restore},
                  {"key", command.key}};
  request.blobs.push_back(*std::move(file));
  request.secrets.push_back(*std::move(password));
  request.secrets.push_back(*std::move(fresh));
  request.secrets.push_back(*std::move(present));
  const auto answer = session.Call(std::move(request), "taking over keys and certificates");
  if (!answer) {
    const std::string verb = command.restore ? "cannot restore " : "cannot import ";
    return PrintError(WithContext(verb + command.file.string(), answer.error()).error(), form);
  }
  const std::string what =
      command.restore ? "restored certificates and keys from " : "imported the certificate from ";
  const Exit exit = PrintChanged(*answer, what + command.file.string(), form);
  if (form == Form::kText) PrintImported(answer->json);
  return exit;
}

}  // namespace countersign::cli
