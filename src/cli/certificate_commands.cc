#include "cli/certificate_commands.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "cli/certificate_file.h"
#include "cli/mismatched.h"
#include "cli/output_file.h"
#include "cli/owner_commands.h"

namespace countersign::cli {

Exit PrintChanged(const server::AdminMessage& answer, std::string_view what, Form form) {
  if (form == Form::kJson) {
    PrintJson(answer.json);
    return Exit::kOk;
  }
  PrintLine(std::string(kSuccess) + std::string(what) + ".");
  const auto* const certificate = answer.json.if_contains("certificate");
  if (certificate != nullptr) PrintCertificate(certificate->as_object(), "  ");
  PrintTexts(answer.json, "notes", "note: ");
  if (answer.json.contains("unfinished")) {
    PrintLine("WARNING: the change is made, but not all that follows from it: " +
              Text(answer.json, "unfinished"));
    PrintLine("  It is caught up at the server's next start. " + Text(answer.json, "next"));
  }
  return Exit::kOk;
}

Exit ReplaceCertificate(Session& session, const ReplaceCommand& command, Form form) {
  server::AdminMessage request;
  request.json = {{"command", "replace"},
                  {"clock_is_right", command.clock_is_right},
                  {"compromised", command.compromised},
                  {"on_this_server", command.on_this_server}};
  // Otherwise the server refuses it without the password, which is then not asked for here.
  if (!command.compromised || command.on_this_server) {
    auto password = GetPassword(command.password, Prompt::kOnce);
    if (!password) return PrintError(password.error(), form);
    request.secrets.push_back(*std::move(password));
  }
  const auto answer = session.Call(std::move(request), "making a new certificate");
  if (!answer) return PrintError(answer.error(), form);
  const Exit exit = PrintChanged(*answer, "made a new certificate", form);
  if (form == Form::kJson) return exit;
  const auto* const replaced = answer->json.if_contains("replaced");
  if (replaced != nullptr) {
    PrintLine("It replaces certificate " + Text(replaced->as_object(), "serial") +
              ", which is in \"OfficeScan NT Expired\" now; its private key is destroyed.");
  }
  if (command.compromised) {
    PrintExposed(answer->json);
    return exit;
  }
  if (Flag(answer->json, "owner_made")) {
    PrintLine("An owner key was made; it is only in the automatic backup, under this password.");
  }
  PrintLine(
      "Agents take it over at their next contact; countersign order send --all update-now "
      "does it at once.");
  return exit;
}

Exit ExportCertificate(Session& session, const std::filesystem::path& path, Form form) {
  std::error_code failed;
  const auto file = std::filesystem::is_directory(path, failed) ? path / "OfcNTCer.dat" : path;
  if (const auto fine = CheckOutput(file, Existing::kReplace); !fine) {
    return PrintError(fine.error(), form);
  }
  server::AdminMessage request;
  request.json = {{"command", "export"}};
  const auto answer = session.Call(std::move(request));
  if (!answer) return PrintError(answer.error(), form);
  const auto written =
      WriteOutput(file, answer->blobs.at(0), FileMode::kPublic, Existing::kReplace);
  if (!written) return PrintError(written.error(), form);
  return PrintChanged(*answer, "exported the public certificate to " + file.string(), form);
}

Exit ListMismatched(Session& session, const std::filesystem::path& path, Bom bom, Form form) {
  const bool to_output = path == "-";
  if (!to_output) {
    const auto fine = CheckOutput(path, Existing::kReplace);
    if (!fine) return PrintError(fine.error(), form);
  }
  const auto list = MismatchedCsv(session, bom);
  if (!list) return PrintError(list.error(), form);
  const auto written =
      to_output ? PrintRaw(list->csv)
                : WriteOutput(path, AsBytes(list->csv), FileMode::kPublic, Existing::kReplace);
  if (!written) return PrintError(written.error(), form);
  const std::string what = "listed " + std::to_string(list->num_agents) +
                           (list->num_agents == 1 ? " agent" : " agents") +
                           " without a valid certificate";
  const boost::json::object summary = {
      {"ok", true}, {"agents", list->num_agents}, {"file", path.string()}};
  if (to_output) {
    PrintToError(form == Form::kJson ? boost::json::serialize(summary)
                                     : std::string(kSuccess) + what + ".");
  } else if (form == Form::kJson) {
    PrintJson(summary);
  } else {
    PrintLine(std::string(kSuccess) + what + " in " + path.string() + ".");
  }
  return list->num_agents == 0 ? Exit::kOk : Exit::kSomeListed;
}

Exit ListCertificates(Session& session, Form form) {
  server::AdminMessage request;
  request.json = {{"command", "certificates"}};
  const auto answer = session.Call(std::move(request));
  if (!answer) return PrintError(answer.error(), form);
  if (form == Form::kJson) {
    PrintJson(answer->json);
    return Exit::kOk;
  }
  for (const auto& value : answer->json.at("certificates").as_array()) {
    const auto& certificate = value.as_object();
    PrintLine(Text(certificate, "role") + " certificate, " + Text(certificate, "state") + ":");
    PrintCertificate(certificate, "  ");
  }
  return Exit::kOk;
}

Exit ShowCertificate(Session& session, Form form) {
  server::AdminMessage request;
  request.json = {{"command", "certificates"}};
  const auto answer = session.Call(std::move(request));
  if (!answer) return PrintError(answer.error(), form);
  for (const auto& value : answer->json.at("certificates").as_array()) {
    const auto& certificate = value.as_object();
    if (Text(certificate, "role") != "server" || Text(certificate, "state") != "active") continue;
    if (form == Form::kJson) {
      PrintJson({{"ok", true}, {"certificate", certificate}});
    } else {
      PrintEveryField(certificate, "");
    }
    return Exit::kOk;
  }
  return PrintError(
      {Code::kNotFound, "this server has no certificate in use", "CertificateManager -c PASSWORD"},
      form);
}

Exit ShowCertificateFile(const std::filesystem::path& path, Form form) {
  const auto certificate = ReadAnyCertificate(path);
  if (!certificate) return PrintError(certificate.error(), form);
  boost::json::object fields = CertificateFields(*certificate);
  if (form == Form::kJson) {
    PrintJson({{"ok", true}, {"certificate", std::move(fields)}});
  } else {
    PrintEveryField(fields, "");
  }
  return Exit::kOk;
}

}  // namespace countersign::cli
