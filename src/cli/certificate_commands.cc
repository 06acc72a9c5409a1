#include "cli/certificate_commands.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "base/files.h"
#include "cli/mismatched.h"
#include "crypto/pkcs12.h"

namespace countersign::cli {
namespace {

constexpr std::string_view kSuccess = "Certificate Authentication Manager has successfully ";

// Finish prints the success line, which begins as documented, and the certificate.
Exit Finish(const server::AdminMessage& answer, std::string_view what, Form form) {
  if (form == Form::kJson) {
    PrintJson(answer.json);
    return Exit::kOk;
  }
  PrintLine(std::string(kSuccess) + std::string(what) + ".");
  const auto* const certificate = answer.json.if_contains("certificate");
  if (certificate != nullptr) PrintCertificate(certificate->as_object(), "  ");
  if (answer.json.contains("unfinished")) {
    PrintLine("WARNING: the change is made, but not all that follows from it: " +
              Text(answer.json, "unfinished"));
    PrintLine("  It is caught up at the server's next start. " + Text(answer.json, "next"));
  }
  return Exit::kOk;
}

}  // namespace

Exit ReplaceCertificate(Session& session, const SecretBytes& password, bool clock_is_right,
                        Form form) {
  server::AdminMessage request;
  request.json = {{"command", "replace"}, {"clock_is_right", clock_is_right}};
  request.secrets.push_back(password.Clone());
  const auto answer = session.Call(std::move(request));
  if (!answer) return PrintError(answer.error(), form);
  const Exit exit = Finish(*answer, "made a new certificate", form);
  if (form == Form::kJson) return exit;
  const auto* const replaced = answer->json.if_contains("replaced");
  if (replaced != nullptr) {
    PrintLine("It replaces certificate " + Text(replaced->as_object(), "serial") +
              ", which is in \"OfficeScan NT Expired\" now; its private key is destroyed.");
  }
  const auto* const owner_made = answer->json.if_contains("owner_made");
  if (owner_made != nullptr && *owner_made == true) {
    PrintLine("An owner key was made; it is only in the automatic backup, under this password.");
  }
  PrintLine(
      "Agents take it over at their next contact; countersign order send --all update-now "
      "does it at once.");
  return exit;
}

Exit ExportCertificate(Session& session, const std::filesystem::path& path, Form form) {
  server::AdminMessage request;
  request.json = {{"command", "export"}};
  const auto answer = session.Call(std::move(request));
  if (!answer) return PrintError(answer.error(), form);
  std::error_code failed;
  const auto file = std::filesystem::is_directory(path, failed) ? path / "OfcNTCer.dat" : path;
  const auto written = WriteFileAtomically(file, answer->blobs.at(0), FileMode::kPublic);
  if (!written) return PrintError(written.error(), form);
  return Finish(*answer, "exported the public certificate to " + file.string(), form);
}

Exit ImportCertificate(Session& session, const ImportCommand& command,
                       const SecretBytes& file_password, const SecretBytes& backup_password,
                       Form form) {
  auto file = ReadFile(command.file, crypto::kPkcs12MaxLen);
  if (!file) return PrintError(file.error(), form);
  server::AdminMessage request;
  request.json = {
      {"command", "import"}, {"exportable", command.exportable}, {"cut_off", command.replace}};
  request.blobs.push_back(*std::move(file));
  request.secrets.push_back(file_password.Clone());
  if (!backup_password.empty()) request.secrets.push_back(backup_password.Clone());
  const auto answer = session.Call(std::move(request));
  if (!answer) return PrintError(answer.error(), form);
  return Finish(*answer, "imported the certificate from " + command.file.string(), form);
}

Exit ListMismatched(Session& session, const std::filesystem::path& path, Bom bom, Form form) {
  const auto count = WriteMismatched(session, path, bom);
  if (!count) return PrintError(count.error(), form);
  if (form == Form::kJson) {
    PrintJson({{"ok", true}, {"agents", *count}, {"file", path.string()}});
  } else {
    PrintLine(std::string(kSuccess) + "listed " + std::to_string(*count) +
              " agents without a valid certificate in " + path.string() + ".");
  }
  return Exit::kOk;
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

Exit ChangeBackupPassword(Session& session, const SecretBytes& old_password,
                          const SecretBytes& new_password, Form form) {
  server::AdminMessage request;
  request.json = {{"command", "backup-password"}};
  request.secrets.push_back(old_password.Clone());
  request.secrets.push_back(new_password.Clone());
  const auto answer = session.Call(std::move(request));
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
