#include "cli/certificate_file.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "base/encoding.h"
#include "base/files.h"
#include "crypto/hash.h"
#include "keys/file_kind.h"

namespace countersign::cli {
namespace {

constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kEnd = "-----END CERTIFICATE-----";

// The octets of the first certificate of a PEM file (RFC 7468); kMalformed if there is none.
Result<Bytes> DecodePem(std::string_view text) {
  const auto begin = text.find(kBegin);
  if (begin == std::string_view::npos) {
    return Fail(Code::kMalformed, "it is a PEM file without a certificate");
  }
  text.remove_prefix(begin + kBegin.size());
  const auto end = text.find(kEnd);
  if (end == std::string_view::npos) {
    return Fail(Code::kMalformed, "it is a PEM file that ends within its certificate");
  }
  std::string base64;
  for (const char c : text.substr(0, end)) {
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n') base64 += c;
  }
  auto der = Base64Decode(base64);
  if (!der) return Fail(Code::kMalformed, "the certificate in this PEM file is no base64");
  return *std::move(der);
}

}  // namespace

Result<crypto::Certificate> ParseAnyCertificate(ByteView content) {
  switch (keys::RecogniseFile(content)) {
    case keys::FileKind::kPem: {
      const auto der = DecodePem(AsText(content));
      if (!der) return std::unexpected(der.error());
      return crypto::Certificate::Parse(*der);
    }
    case keys::FileKind::kPkcs12:
      return Fail(Code::kMalformed, "it is a PKCS#12 file: its certificates are sealed",
                  "countersign backup verify FILE (with its password)");
    case keys::FileKind::kZip:
      return Fail(Code::kMalformed,
                  "it is a ZIP; its certificates are files in its folder certificates");
    case keys::FileKind::kEmpty:
      return Fail(Code::kMalformed, "it is empty");
    default:
      return crypto::Certificate::Parse(content);
  }
}

Result<crypto::Certificate> ReadAnyCertificate(const std::filesystem::path& path) {
  const auto content = ReadFile(path, kMaxCertificateFileLen);
  if (!content) return std::unexpected(content.error());
  auto certificate = ParseAnyCertificate(*content);
  if (!certificate) return WithContext(path.string(), std::move(certificate).error());
  return certificate;
}

boost::json::object CertificateFields(const crypto::Certificate& certificate) {
  boost::json::array server_ids;
  for (const auto& id : certificate.server_ids()) server_ids.emplace_back(id.Text());
  boost::json::object fields = {{"name", certificate.common_name()},
                                {"subject", certificate.subject()},
                                {"issuer", certificate.issuer()},
                                {"not_before", FormatUtc(certificate.not_before())},
                                {"not_after", FormatUtc(certificate.not_after())},
                                {"serial", certificate.serial()},
                                {"sha256", HexLower(certificate.thumbprint())},
                                {"sha1", HexLower(crypto::Sha1(certificate.der()))},
                                {"server_ids", std::move(server_ids)},
                                {"key", certificate.key().Description()},
                                {"key_sha256", HexLower(certificate.key().digest())},
                                {"self_signed", certificate.IsSignedBy(certificate.key())},
                                {"is_ca", certificate.is_ca()}};
  if (certificate.generation()) fields["generation"] = *certificate.generation();
  return fields;
}

}  // namespace countersign::cli
