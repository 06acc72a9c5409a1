#include "cli/web_certificate.h"

#include <boost/json/value.hpp>
#include <utility>

#include "base/files.h"
#include "crypto/pem.h"

namespace countersign::cli {
namespace {

Exit PrintAnswer(const Result<server::AdminMessage>& answer, Form form) {
  if (!answer) return PrintError(answer.error(), form);
  if (form == Form::kJson) {
    PrintJson(answer->json);
    return Exit::kOk;
  }
  const auto& certificate = answer->json.at("certificate").as_object();
  PrintLine("Web host of this server, " + Text(answer->json, "host") + ", port " +
            Text(answer->json, "port") +
            (Flag(answer->json, "https") ? "" : " (https = false: not in use)"));
  PrintLine("  certificate: " + Text(certificate, "subject") +
            (Flag(answer->json, "made_here") ? ", self-signed"
                                             : ", issued by " + Text(certificate, "issuer")));
  PrintLine("  valid:       " + Text(certificate, "not_before") + " to " +
            Text(certificate, "not_after"));
  PrintLine("  serial:      " + Text(certificate, "serial"));
  PrintLine("  SHA-256:     " + Text(certificate, "sha256"));
  PrintLine("  key:         " + Text(answer->json, "key_kind") + ", digest " +
            Text(answer->json, "key") + " (what agents know it by)");
  for (const auto& entry : List(answer->json, "warnings")) {
    PrintLine("WARNING: " + Text(entry.as_object(), "text"));
    PrintLine("  next: " + Text(entry.as_object(), "next"));
  }
  return Exit::kOk;
}

// Which of the two files it is, only the server's words tell.
Error OfFiles(const std::filesystem::path& certificate, const std::filesystem::path& key,
              Error error) {
  error.message =
      "--cert " + certificate.string() + ", --key " + key.string() + ": " + error.message;
  if (error.next.empty()) {
    error.next =
        "--cert takes PEM with the chain after it, or DER; --key its private key as PEM without a "
        "password; openssl x509 -in CERT -noout -dates -pubkey shows what a certificate is";
  }
  return error;
}

Exit Ask(Session& session, std::string_view command, Form form) {
  server::AdminMessage request;
  request.json = {{"command", command}};
  return PrintAnswer(session.Call(std::move(request)), form);
}

}  // namespace

Exit ShowWebCertificate(Session& session, Form form) {
  return Ask(session, "web-certificate", form);
}

Exit RenewWebCertificate(Session& session, Form form) {
  return Ask(session, "web-certificate-renew", form);
}

Exit InstallWebCertificate(Session& session, const std::filesystem::path& certificate,
                           const std::filesystem::path& key, Form form) {
  auto certificates = ReadFile(certificate, crypto::kMaxPemLen);
  if (!certificates) return PrintError(OfFiles(certificate, key, certificates.error()), form);
  auto text = ReadFile(key, crypto::kMaxPemLen);
  if (!text) return PrintError(OfFiles(certificate, key, text.error()), form);
  server::AdminMessage request;
  request.json = {{"command", "web-certificate-install"}};
  request.secrets.emplace_back(ByteView(*text));
  Wipe(*text);
  request.blobs.push_back(*std::move(certificates));
  auto answer = session.Call(std::move(request));
  if (!answer) answer = std::unexpected(OfFiles(certificate, key, answer.error()));
  return PrintAnswer(answer, form);
}

}  // namespace countersign::cli
