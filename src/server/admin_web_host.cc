#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "base/encoding.h"
#include "crypto/tls_certificate.h"
#include "server/admin.h"
#include "server/admin_request.h"
#include "server/events.h"
#include "server/web_host.h"

// The certificate with which the server speaks TLS: countersign server web-certificate.
namespace countersign::server {
namespace {

AdminMessage Describe(const WebHost& web_host, const store::ServerConfig& config, Instant now) {
  const crypto::Certificate& certificate = web_host.certificate();
  boost::json::array warnings;
  for (auto& warning : web_host.Warnings(config, now)) {
    warnings.push_back(boost::json::object{{"text", warning.text}, {"next", warning.next}});
  }
  AdminMessage answer;
  answer.json = {{"certificate",
                  {{"name", certificate.common_name()},
                   {"subject", certificate.subject()},
                   {"issuer", certificate.issuer()},
                   {"not_before", FormatUtc(certificate.not_before())},
                   {"not_after", FormatUtc(certificate.not_after())},
                   {"serial", certificate.serial()},
                   {"sha256", HexLower(certificate.thumbprint())}}},
                 {"key", Base64UrlEncode(certificate.key().digest())},
                 {"key_kind", certificate.key().Description()},
                 {"made_here", web_host.is_self_signed()},
                 {"host", HostOf(config)},
                 {"names_host", crypto::NamesHost(certificate, HostOf(config))},
                 {"https", config.https},
                 {"port", config.https_port},
                 {"warnings", std::move(warnings)}};
  return answer;
}

std::unexpected<Error> NoWebHost() {
  return Fail(Code::kNotFound,
              "this server has no key and certificate for its web host; its log says why",
              "start the server anew");
}

}  // namespace

Admin::Answer Admin::ShowWebCertificate(const AdminMessage&, Instant now) {
  if (web_host_ == nullptr) return NoWebHost();
  return Describe(*web_host_, server_.config(), now);
}

Admin::Answer Admin::RenewWebCertificate(const AdminMessage&, Instant now) {
  if (web_host_ == nullptr) return NoWebHost();
  COUNTERSIGN_RETURN_IF_ERROR(web_host_->Renew(server_.config(), server_.world().random, now));
  return WebCertificateChanged("web-certificate-renewed", now);
}

Admin::Answer Admin::InstallWebCertificate(const AdminMessage& request, Instant now) {
  if (web_host_ == nullptr) return NoWebHost();
  const auto key = Secret(request, 0);
  if (!key) return std::unexpected(key.error());
  if (request.blobs.size() != 1) return Fail(Code::kUsage, "one certificate file is needed");
  COUNTERSIGN_RETURN_IF_ERROR(
      web_host_->Install(request.blobs.front(), **key, server_.book(), now));
  return WebCertificateChanged("web-certificate-installed", now);
}

// The change stands: what fails after it is said in the log.
Admin::Answer Admin::WebCertificateChanged(std::string_view kind, Instant now) {
  if (server_.config().https) server_.set_web_keys(web_host_->keys());
  const auto recorded = RecordEvent(server_.world(), {.id = 0,
                                                      .at = now,
                                                      .kind = std::string(kind),
                                                      .agent = {},
                                                      .text = web_host_->certificate().serial()});
  if (!recorded) server_.world().log.Write(LogLevel::kError, recorded.error().message);
  return Describe(*web_host_, server_.config(), now);
}

}  // namespace countersign::server
