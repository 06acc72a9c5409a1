#include "cli/owner_commands.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "base/encoding.h"
#include "base/terminal.h"
#include "cli/certificate_commands.h"
#include "cli/output_file.h"
#include "cli/progress.h"
#include "cli/shell_word.h"
#include "cli/warrant_command.h"
#include "crypto/hash.h"
#include "server/offline.h"
#include "server/present.h"

namespace countersign::cli {
namespace {

// What a person compares with a server known to be clean.
void PrintRequest(const boost::json::object& request) {
  for (const auto& id : request.at("server_ids").as_array()) {
    PrintLine("  server id:    " + std::string(id.as_string()));
  }
  PrintLine("  generation:   " + Text(request, "generation") + ", and one more for the reserve");
  PrintLine("  name:         " + Text(request, "common_name"));
  PrintLine("  validity:     " + Text(request, "not_before") + " to " + Text(request, "not_after") +
            ", the reserve to " + Text(request, "reserve_not_after"));
  PrintLine("  owner key:    " + Text(request, "owner"));
  PrintLine("  new key:      " + Text(request, "active_key"));
  PrintLine("  reserve key:  " + Text(request, "reserve_key"));
  PrintLine("  agents that the new automatic backup will list: " + Text(request, "admitted"));
  const bool stolen = Flag(request, "compromised");
  PrintLine(stolen ? "  The present certificates are revoked: their keys were stolen."
                   : "  The present certificates are replaced.");
}

// kRefused if the person says no, or nobody can be asked.
Status Confirm(const OwnerSignCommand& command) {
  if (command.yes) return {};
  const auto answer = PromptText("Sign it? (yes or no): ");
  if (!answer) {
    return Fail(Code::kUsage, "nobody can be asked whether to sign",
                "the same command with --yes, after comparing the digests");
  }
  if (*answer == "yes") return {};
  return Fail(Code::kRefused, "not signed");
}

Result<server::OwnerSignature> Sign(const OwnerSignCommand& command,
                                    const wire::OwnerRequest& request) {
  const auto backup = ReadFile(command.backup, crypto::kPkcs12MaxLen);
  if (!backup) return std::unexpected(backup.error());
  const auto password = GetPassword(command.password, Prompt::kOnce);
  if (!password) return std::unexpected(password.error());
  const Progress progress("signing with the owner key");
  crypto::SystemRandom random;
  auto made = server::SignOwnerRequest(
      request, *backup, *password,
      {.clock = command.clock_is_right ? server::ClockIsRight::kYes : server::ClockIsRight::kNo},
      random, ReadClocks().wall);
  if (!made) return std::unexpected(OfBackupCopy(command.backup, std::move(made).error()));
  return made;
}

Result<wire::OwnerRequest> ReadRequest(const std::string& file) {
  const auto text = ReadFile(file, wire::kMaxOwnerFileLen);
  if (!text) return std::unexpected(text.error());
  auto request = wire::ParseOwnerRequest(AsText(*text));
  if (!request) return WithContext(file, std::move(request).error());
  return request;
}

}  // namespace

void PrintExposed(const boost::json::object& answer) {
  if (!answer.contains("exposed")) return;
  PrintLine("Agents that may still obey the stolen key, at the latest until " +
            Text(answer, "exposed_until") + ": " + Text(answer, "exposed"));
  const auto& agents = answer.at("exposed_agents").as_array();
  for (const auto& value : agents) {
    const auto& agent = value.as_object();
    const std::string seen = Text(agent, "last_contact");
    PrintLine("  " + Text(agent, "agent") + "  " + Text(agent, "host") + "  " +
              (seen.empty() ? "never seen" : "last seen " + seen));
  }
  PrintLine(
      "Those that can be called hear of it now, the others at their next report. Who is left:");
  PrintLine("countersign agents list --exposed");
}

Exit AskOwner(Session& session, const OwnerRequestCommand& command, Form form) {
  const auto existing = command.replace ? Existing::kReplace : Existing::kKeep;
  if (const auto fine = CheckOutput(command.file, existing, command.replace_option); !fine) {
    return PrintError(fine.error(), form);
  }
  server::AdminMessage request;
  request.json = {{"command", "owner-request"},
                  {"compromised", command.compromised},
                  {"clock_is_right", command.clock_is_right}};
  const auto answer = session.Call(std::move(request), "drawing keys");
  if (!answer) return PrintError(answer.error(), form);
  const auto written = WriteOutput(command.file, answer->blobs.at(0), FileMode::kPublic, existing);
  if (!written) return PrintError(written.error(), form);
  if (form == Form::kJson) {
    PrintJson(answer->json);
    return Exit::kOk;
  }
  PrintLine("The request to the owner is in " + command.file + "; nothing is changed yet:");
  PrintRequest(answer->json);
  PrintLine("next, on the owner's machine: countersign owner sign " + ShellWord(command.file) +
            " --backup OfficeScanAuth.dat -o answer.json");
  return Exit::kOk;
}

Exit SignRequest(const OwnerSignCommand& command, Form form) {
  const auto existing = command.replace ? Existing::kReplace : Existing::kKeep;
  if (const auto fine = CheckOutput(command.output, existing); !fine) {
    return PrintError(fine.error(), form);
  }
  const auto request = ReadRequest(command.request);
  if (!request) return PrintError(request.error(), form);
  boost::json::object shown = server::OwnerRequestJson(*request);
  if (form == Form::kText) {
    PrintLine("The request asks for certificates with:");
    PrintRequest(shown);
    PrintLine("Compare owner key and server ids with those of a server known to be clean.");
  }
  if (const auto confirmed = Confirm(command); !confirmed) {
    return PrintError(confirmed.error(), form);
  }
  const auto made = Sign(command, *request);
  if (!made) return PrintError(made.error(), form);
  const std::string answer = wire::FormatOwnerAnswer(made->answer);
  const auto written = WriteOutput(command.output, AsBytes(answer), FileMode::kPrivate, existing);
  if (!written) return PrintError(written.error(), form);
  if (form == Form::kJson) {
    shown["ok"] = true;
    shown["serial"] = made->active.serial();
    shown["sha256"] = HexLower(made->active.thumbprint());
    PrintJson(shown);
    return Exit::kOk;
  }
  PrintLine("Signed: certificate " + made->active.serial() + ", in " + command.output +
            ", with the new automatic backup under the same password.");
  PrintLine("next, on the server: countersign owner install " + ShellWord(command.output));
  return Exit::kOk;
}

Exit InstallAnswer(Session& session, const std::string& file, Form form) {
  auto text = ReadFile(file, wire::kMaxOwnerFileLen);
  if (!text) return PrintError(text.error(), form);
  server::AdminMessage request;
  request.json = {{"command", "owner-install"}};
  request.blobs.push_back(*std::move(text));
  const auto answer = session.Call(std::move(request), "installing the owner's answer");
  if (!answer) {
    return PrintError(WithContext("cannot install " + file, answer.error()).error(), form);
  }
  const Exit exit = PrintChanged(*answer, "installed the certificate signed by the owner", form);
  if (form == Form::kText) PrintExposed(answer->json);
  return exit;
}

namespace {

void PrintEarlier(const boost::json::object& answer) {
  const std::string count = Text(answer, "agents_of_earlier");
  if (count.empty() || count == "0") return;
  PrintLine("Agents that have not proved yet to follow this owner: " + count);
  PrintLine("  countersign agents list --earlier-owner");
}

// Whoever reads along learns the new password with the old one, so nothing would be gained.
Error NotOffline() {
  return {Code::kRefused,
          "a new owner is made on the server only: its new automatic backup has to be there, and "
          "the password with it. While a thief may be on the server, replace the stolen keys "
          "offline first, and make the new owner when the server is clean again. Nothing was "
          "changed",
          "countersign owner request --compromised -o REQUEST"};
}

}  // namespace

Exit CreateOwner(Session& session, const OwnerCreateCommand& command, Form form) {
  if (command.offline) return PrintError(NotOffline(), form);
  auto password = GetPassword(command.password, Prompt::kOnce);
  if (!password) return PrintError(password.error(), form);
  PasswordSource source{.what = "new password of the automatic backup",
                        .environment = "COUNTERSIGN_NEW_PASSWORD",
                        .option = "--new-password-file"};
  auto fresh = SecondPassword(command.new_password_file, source, Prompt::kTwice);
  if (!fresh) return PrintError(fresh.error(), form);
  const bool is_new = !fresh->empty();
  server::AdminMessage request;
  request.json = {{"command", "owner-create"}, {"clock_is_right", command.clock_is_right}};
  request.secrets.push_back(*std::move(password));
  request.secrets.push_back(*std::move(fresh));
  const auto answer = session.Call(std::move(request), "making a new owner key");
  if (!answer) return PrintError(answer.error(), form);
  const Exit exit = PrintChanged(*answer, "made a new owner key and a new certificate", form);
  if (form == Form::kJson) return exit;
  PrintLine("The owner key is only in the automatic backup, under " +
            std::string(is_new ? "the new password." : "the password given."));
  PrintEarlier(answer->json);
  PrintLine(
      "Agents follow at their next contact; countersign order send --all update-now does it at "
      "once.");
  return exit;
}

Exit ShowOwner(Session& session, Form form) {
  server::AdminMessage request;
  request.json = {{"command", "owner"}};
  const auto answer = session.Call(std::move(request));
  if (!answer) return PrintError(answer.error(), form);
  if (form == Form::kJson) {
    PrintJson(answer->json);
    return Exit::kOk;
  }
  PrintLine("owner key:  " + Text(answer->json, "owner") + " (" + Text(answer->json, "name") + ")");
  if (Flag(answer->json, "self_signed")) {
    PrintLine(
        "It is the key of the imported certificate itself, on this server. "
        "CertificateManager -c PASSWORD makes an owner key.");
  }
  for (const auto& id : answer->json.at("server_ids").as_array()) {
    PrintLine("server id:  " + std::string(id.as_string()));
  }
  for (const auto& earlier : answer->json.at("earlier").as_array()) {
    PrintLine("earlier:    " + std::string(earlier.as_string()));
  }
  PrintEarlier(answer->json);
  return Exit::kOk;
}

}  // namespace countersign::cli
