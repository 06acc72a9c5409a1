#include "tests/support/certificate_factory.h"

#include "base/encoding.h"
#include "crypto/keys_impl.h"
#include "crypto/openssl_ptr.h"

namespace countersign::testing {
namespace {

using crypto::Certificate;
using crypto::CertificateRequest;
using crypto::KeyKind;
using crypto::PrivateKey;
using crypto::PublicKey;

template <class T>
T Must(Result<T> result, std::string_view what) {
  Check(result.has_value(),
        std::string(what) + ": " + (result ? std::string() : result.error().message));
  return std::move(*result);
}

// ECPrivateKey (RFC 5915) of P-256 without the public key, which OpenSSL then works out.
PrivateKey P256KeyOf(std::array<std::uint8_t, 32> scalar) {
  scalar[0] = 0x01;  // between 1 and the order, whatever was drawn
  const Bytes before = {0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20};
  const Bytes after = {0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
  const Bytes der = Writer().Raw(before).Raw(scalar).Raw(after).Take();
  return Must(PrivateKey::FromPkcs8(SecretBytes(ByteView(der))), "a key from a seed");
}

void AddExtension(X509* certificate, int nid, const std::string& value) {
  const crypto::OpenSslPtr<X509_EXTENSION, &X509_EXTENSION_free> extension(
      X509V3_EXT_nconf_nid(nullptr, nullptr, nid, value.c_str()));
  Check(extension && X509_add_ext(certificate, extension.get(), -1) == 1, value);
}

void AddOddExtensions(X509* certificate, const OddOptions& options) {
  if (options.is_ca) {
    AddExtension(certificate, NID_basic_constraints,
                 *options.is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
  }
  if (options.key_cert_sign) AddExtension(certificate, NID_key_usage, "critical,keyCertSign");
  if (options.authority_key_id) {
    const Bytes& id = *options.authority_key_id;
    Check(id.size() < 100, "authority key identifier");  // lengths of one octet below
    const auto len = static_cast<std::uint8_t>(id.size());
    const Bytes der =
        Writer().U8(0x30).U8(static_cast<std::uint8_t>(len + 2)).U8(0x80).U8(len).Raw(id).Take();
    AddExtension(certificate, NID_authority_key_identifier, "DER:" + HexLower(der));
  }
  std::string uris;
  for (const std::string& uri : options.uris) uris += (uris.empty() ? "URI:" : ",URI:") + uri;
  if (!uris.empty()) AddExtension(certificate, NID_subject_alt_name, uris);
}

void AddNameEntry(X509_NAME* name, int nid, int type, const std::string& value) {
  const ByteView bytes = AsBytes(value);
  Check(X509_NAME_add_entry_by_NID(name, nid, type, bytes.data(), static_cast<int>(bytes.size()),
                                   -1, 0) == 1,
        value);
}

void SetNamesAndDates(X509* certificate, const OddOptions& options) {
  X509_NAME* const name = X509_get_subject_name(certificate);
  AddNameEntry(name, NID_commonName, V_ASN1_UTF8STRING, options.common_name);
  if (options.dn_qualifier) {
    AddNameEntry(name, NID_dnQualifier, V_ASN1_PRINTABLESTRING, *options.dn_qualifier);
  }
  Check(X509_set_issuer_name(certificate, name) == 1, "issuer name");
  const crypto::TimePtr begin(ASN1_TIME_set(nullptr, ToUnix(options.not_before)));
  const crypto::TimePtr end(ASN1_TIME_set(nullptr, ToUnix(options.not_after)));
  Check(begin && end && X509_set1_notBefore(certificate, begin.get()) == 1 &&
            X509_set1_notAfter(certificate, end.get()) == 1,
        "validity");
}

}  // namespace

PrivateKey TestAuthority::MakeKey(KeyKind kind) {
  if (kind == KeyKind::kP256) return P256KeyOf(random_.Array<32>());
  return Must(PrivateKey::Generate(kind), "a key");
}

ServerId TestAuthority::MakeServerId() { return ServerId::FromRandom(random_.Array<16>()); }

Identity TestAuthority::MakeOwner(KeyKind kind) {
  const PrivateKey key = MakeKey(kind);
  CertificateRequest request;
  request.role = CertificateRequest::Role::kOwner;
  request.common_name = "Countersign owner";
  request.not_before = kTestBegin;
  return {.key = key, .certificate = Issue(request, key.public_key(), key, nullptr)};
}

Identity TestAuthority::MakeServer(const Identity& owner, const ServerOptions& options) {
  const PrivateKey key = MakeKey();
  return {.key = key, .certificate = IssueServer(owner, key.public_key(), options)};
}

Certificate TestAuthority::IssueServer(const Identity& owner, const PublicKey& key,
                                       const ServerOptions& options) {
  CertificateRequest request;
  request.role = CertificateRequest::Role::kServer;
  request.common_name = options.common_name;
  request.generation = options.generation;
  request.server_ids = options.server_ids;
  request.not_before = options.not_before;
  request.not_after = options.not_after;
  return Issue(request, key, owner.key, &owner.certificate);
}

Certificate TestAuthority::IssueSuccession(const Identity& from, const Identity& to,
                                           const std::vector<ServerId>& server_ids) {
  CertificateRequest request;
  request.role = CertificateRequest::Role::kSuccession;
  request.common_name = "Countersign succession";
  request.server_ids = server_ids;
  request.not_before = kTestBegin;
  return Issue(request, to.key.public_key(), from.key, &from.certificate);
}

Identity TestAuthority::MakeImported(KeyKind kind, const OddOptions& options) {
  const PrivateKey key = MakeKey(kind);
  return {.key = key, .certificate = IssueOdd(options, key.public_key(), key)};
}

Certificate TestAuthority::IssueOdd(const OddOptions& options, const PublicKey& subject_key,
                                    const PrivateKey& issuer) {
  const crypto::X509Ptr certificate(X509_new());
  X509* const x509 = certificate.get();
  Check(x509 != nullptr && X509_set_version(x509, X509_VERSION_3) == 1 &&
            X509_set_pubkey(x509, subject_key.impl().key.get()) == 1,
        "certificate");
  const auto serial = static_cast<std::int64_t>(random_.Next() >> 2) + 1;
  Check(ASN1_INTEGER_set_int64(X509_get_serialNumber(x509), serial) == 1, "serial number");
  SetNamesAndDates(x509, options);
  AddOddExtensions(x509, options);
  Check(X509_sign(x509, issuer.impl().key.get(), EVP_sha256()) > 0, "signature");
  return Must(Certificate::Parse(crypto::EncodeDer<&i2d_X509>(x509)), "an odd certificate");
}

Certificate TestAuthority::Issue(CertificateRequest request, const PublicKey& key,
                                 const PrivateKey& issuer, const Certificate* issuer_name_from) {
  request.serial_random = random_.Array<16>();
  return Must(IssueCertificate(request, key, issuer, issuer_name_from), "a certificate");
}

}  // namespace countersign::testing
