#include "cli/backup_commands.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "base/files.h"
#include "cli/archive_commands.h"

namespace countersign::cli {
namespace {

void PrintMember(std::string_view label, const boost::json::object& value, std::string_view name) {
  const std::string text = Text(value, name);
  if (!text.empty()) PrintLine(std::string(label) + text);
}

void PrintOneCertificate(const boost::json::object& answer, std::string_view name,
                         std::string_view label) {
  const auto* const certificate = answer.if_contains(name);
  if (certificate == nullptr || !certificate->is_object()) return;
  PrintLine(label);
  PrintCertificate(certificate->get_object(), "  ");
}

void PrintVerified(const boost::json::object& answer) {
  PrintLine(Flag(answer, "automatic") ? "The automatic backup opens with this password."
                                      : "The file opens with this password.");
  PrintMember("written:      ", answer, "written_at");
  PrintMember("SHA-256:      ", answer, "sha256");
  PrintLine("A restore would bring back:");
  PrintLine(std::string("  the owner key: ") + (Flag(answer, "owner_key") ? "yes" : "no"));
  PrintMember("  private keys: ", answer, "keys");
  PrintMember("  certificates: ", answer, "certificates");
  PrintMember("  admitted agents: ", answer, "admitted");
  const std::string ids = ListText(answer, "server_ids");
  if (!ids.empty()) PrintLine("  server ids: " + ids);
  PrintOneCertificate(answer, "certificate", "Certificate in use afterwards:");
  PrintOneCertificate(answer, "reserve", "Reserve:");
  PrintLine("Of the " + Text(answer, "agents") + " agents registered now it would serve " +
            Text(answer, "serves") + ".");
  const std::string not_served = Text(answer, "not_served");
  if (!not_served.empty() && not_served != "0") {
    PrintLine("Not served: " + not_served + ": " + ListText(answer, "not_served_ids"));
  }
}

Exit PrintProblems(const boost::json::object& answer) {
  for (const auto& note : List(answer, "notes")) {
    if (note.is_string()) PrintLine("note: " + std::string(note.get_string()));
  }
  const auto& problems = List(answer, "problems");
  for (const auto& problem : problems) {
    if (problem.is_string()) PrintLine("PROBLEM: " + std::string(problem.get_string()));
  }
  return problems.empty() ? Exit::kOk : Exit::kBackupLacks;
}

}  // namespace

Exit VerifyBackup(Session& session, const BackupVerifyCommand& command, Form form) {
  server::AdminMessage request;
  request.json = {{"command", "backup-verify"}};
  PasswordSource source = command.password;
  if (!command.file.empty()) {
    auto file = ReadFile(command.file, kMaxKeyFileLen);
    if (!file) return PrintError(file.error(), form);
    request.blobs.push_back(*std::move(file));
    source.what = "password of " + command.file.string();
  }
  auto password = GetPassword(source, Prompt::kOnce);
  if (!password) return PrintError(password.error(), form);
  request.secrets.push_back(*std::move(password));
  const auto answer = session.Call(std::move(request), "opening the backup");
  if (!answer && !command.file.empty()) {
    const std::string context = "cannot verify " + command.file.string();
    return PrintError(WithContext(context, answer.error()).error(), form);
  }
  if (!answer) return PrintError(answer.error(), form);
  if (form == Form::kJson) {
    PrintJson(answer->json);
    return List(answer->json, "problems").empty() ? Exit::kOk : Exit::kBackupLacks;
  }
  PrintVerified(answer->json);
  return PrintProblems(answer->json);
}

Exit ShowBackupStatus(Session& session, Form form) {
  server::AdminMessage request;
  request.json = {{"command", "backup-status"}};
  const auto answer = session.Call(std::move(request));
  if (!answer) return PrintError(answer.error(), form);
  const auto& status = answer->json;
  if (form == Form::kJson) {
    PrintJson(status);
    return Exit::kOk;
  }
  PrintMember("Automatic backup: ", status, "path");
  if (Flag(status, "present")) {
    PrintMember("  size:     ", status, "size");
    PrintMember("  SHA-256:  ", status, "sha256");
    PrintMember("  written:  ", status, "written_at");
    PrintMember("  agents admitted since: ", status, "admitted_since");
  } else {
    PrintLine("  it is not there");
  }
  const std::string verified = Text(status, "verified_at");
  PrintLine("  verified: " + (verified.empty() ? std::string("never") : verified) +
            (verified.empty() || Flag(status, "verified_ok")
                 ? ""
                 : "; it had problems then, or has changed since"));
  const std::string drilled = Text(status, "drilled_at");
  PrintLine("  drilled:  " + (drilled.empty() ? std::string("never") : drilled));
  for (const auto& value : List(status, "warnings")) {
    if (!value.is_object()) continue;
    PrintLine("WARNING: " + Text(value.get_object(), "text"));
    PrintLine("  next: " + Text(value.get_object(), "next"));
  }
  return Exit::kOk;
}

Exit ChangeBackupPassword(Session& session, const BackupPasswordCommand& command, Form form) {
  auto old_password = GetPassword(command.password, Prompt::kOnce);
  if (!old_password) return PrintError(old_password.error(), form);
  auto fresh = GetPassword(command.fresh, Prompt::kTwice);
  if (!fresh) return PrintError(fresh.error(), form);
  server::AdminMessage request;
  request.json = {{"command", "backup-password"}};
  request.secrets.push_back(*std::move(old_password));
  request.secrets.push_back(*std::move(fresh));
  const auto answer = session.Call(std::move(request), "sealing the automatic backup anew");
  if (!answer) return PrintError(answer.error(), form);
  if (form == Form::kJson) {
    PrintJson(answer->json);
  } else {
    PrintLine(
        "The automatic backup is sealed with the new password. Copies made earlier still open "
        "with the old one.");
  }
  return Exit::kOk;
}

}  // namespace countersign::cli
