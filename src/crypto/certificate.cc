#include "crypto/certificate.h"

#include <algorithm>

#include "crypto/certificate_extensions.h"
#include "crypto/certificate_name.h"
#include "crypto/der.h"
#include "crypto/hash.h"
#include "crypto/keys_impl.h"
#include "crypto/openssl_ptr.h"

namespace countersign::crypto {
namespace {

constexpr std::uint8_t kDerVersion = 0xa0;  // TBSCertificate: [0] EXPLICIT version

// SignatureAlgorithm is one that protocol section 2 allows.
struct SignatureAlgorithm {
  int nid;
  std::string_view digest;
  bool rsa;
};

constexpr std::array<SignatureAlgorithm, 5> kAllowed = {{
    {NID_ecdsa_with_SHA256, "SHA256", false},
    {NID_ecdsa_with_SHA384, "SHA384", false},
    {NID_sha256WithRSAEncryption, "SHA256", true},
    {NID_sha384WithRSAEncryption, "SHA384", true},
    {NID_sha512WithRSAEncryption, "SHA512", true},
}};

// Parts are the octets of a certificate whose place matters: what is signed, and the key.
struct Parts {
  ByteView signed_part;  // TBSCertificate
  ByteView spki;
  ByteView signature;
};

std::unexpected<Error> Refuse(std::string message) {
  return Fail(Code::kMalformed, "certificate: " + std::move(message));
}

// RFC 5280 4.1.
Result<Parts> TakeApart(ByteView der) {
  DerReader outer(der);
  DerReader certificate(outer.Read(kDerSequence));
  const auto signed_part = certificate.ReadAny();
  const auto algorithm = certificate.ReadAny();
  const ByteView bits = certificate.Read(kDerBitString);
  if (!outer.AtEnd() || !certificate.AtEnd() || !signed_part || !algorithm || bits.empty() ||
      bits[0] != 0 || signed_part->tag != kDerSequence || !IsDer(der)) {
    return Refuse("not the DER of one certificate");
  }
  DerReader fields(signed_part->content);
  if (!fields.NextIs(kDerVersion)) return Refuse("not version 3");
  static_cast<void>(fields.Read(kDerVersion));
  static_cast<void>(fields.Read(kDerInteger));                               // serialNumber
  for (int i = 0; i < 4; ++i) static_cast<void>(fields.Read(kDerSequence));  // ... subject
  const auto spki = fields.ReadAny();
  if (!spki) return Refuse("not the DER of one certificate");
  return Parts{
      .signed_part = signed_part->whole, .spki = spki->whole, .signature = bits.subspan(1)};
}

// Everything that OpenSSL understood must be what stands there.
bool IsCanonical(X509* certificate, ByteView der, ByteView signed_part) {
  return std::ranges::equal(EncodeDer<&i2d_X509>(certificate), der) &&
         std::ranges::equal(EncodeDer<&i2d_re_X509_tbs>(certificate), signed_part);
}

Result<SignatureAlgorithm> AlgorithmOf(const X509* certificate) {
  const X509_ALGOR* outer = nullptr;
  X509_get0_signature(nullptr, &outer, certificate);
  if (X509_ALGOR_cmp(outer, X509_get0_tbs_sigalg(certificate)) != 0) {
    return Refuse("the signed and the outer signature algorithm differ");
  }
  const ASN1_OBJECT* object = nullptr;
  int parameter = V_ASN1_UNDEF;
  X509_ALGOR_get0(&object, &parameter, nullptr, outer);
  const auto allowed = std::ranges::find(kAllowed, OBJ_obj2nid(object), &SignatureAlgorithm::nid);
  if (allowed == kAllowed.end()) return Refuse("its signature algorithm is not allowed");
  // RFC 5758 3.2: absent for ECDSA; RFC 4055 5: NULL for RSA.
  if (parameter != (allowed->rsa ? V_ASN1_NULL : V_ASN1_UNDEF)) {
    return Refuse("its signature algorithm has parameters that do not belong to it");
  }
  return *allowed;
}

// RFC 5280 4.1.2.5: YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ, nothing else.
Result<Instant> TimeOf(const ASN1_TIME* time) {
  const auto len = static_cast<std::size_t>(ASN1_STRING_length(time));
  const ByteView text(ASN1_STRING_get0_data(time), len);
  const std::size_t expected = ASN1_STRING_type(time) == V_ASN1_UTCTIME ? 13 : 15;
  std::tm parts{};
  if (len != expected || text.back() != 'Z' || ASN1_TIME_to_tm(time, &parts) != 1) {
    ForgetOpenSslErrors();
    return Refuse("a date of its validity is not of the form that X.509 has");
  }
  const std::chrono::year_month_day date{
      std::chrono::year(parts.tm_year + 1900),
      std::chrono::month(static_cast<unsigned>(parts.tm_mon + 1)),
      std::chrono::day(static_cast<unsigned>(parts.tm_mday))};
  return std::chrono::sys_days(date) + std::chrono::hours(parts.tm_hour) +
         std::chrono::minutes(parts.tm_min) + Seconds(parts.tm_sec);
}

}  // namespace

struct Certificate::Impl {
  Impl(ByteView octets, PublicKey public_key, SignatureAlgorithm signature_algorithm)
      : der(ToBytes(octets)),
        thumbprint(Sha256(octets)),
        key(std::move(public_key)),
        algorithm(signature_algorithm) {}

  Bytes der;
  Digest thumbprint;
  PublicKey key;
  SignatureAlgorithm algorithm;
  CertificateExtensions extensions;
  std::optional<std::uint64_t> generation;
  Instant not_before;
  Instant not_after;
  std::string common_name;
  std::string subject;
  std::string issuer;
  std::string serial;
};

Result<Certificate> Certificate::Parse(ByteView der) {
  if (der.size() > kMaxLen) return Refuse("longer than 16 KiB");
  const Result<Parts> parts = TakeApart(der);
  if (!parts) return std::unexpected(parts.error());
  Result<PublicKey> key = PublicKey::FromSpki(parts->spki);
  if (!key) return WithContext("certificate", std::move(key).error());
  const auto x509 = DecodeDer<X509Ptr, &d2i_X509>(der);
  if (!x509) return OpenSslFailure(Code::kMalformed, "certificate: OpenSSL cannot read it");
  if (X509_get_version(x509.get()) != X509_VERSION_3) return Refuse("not version 3");
  if (!IsCanonical(x509.get(), der, parts->signed_part))
    return Refuse("not encoded as DER demands");
  const auto algorithm = AlgorithmOf(x509.get());
  if (!algorithm) return std::unexpected(algorithm.error());
  auto extensions = ParseExtensions(x509.get());
  if (!extensions) return WithContext("certificate", std::move(extensions).error());
  const auto not_before = TimeOf(X509_get0_notBefore(x509.get()));
  if (!not_before) return std::unexpected(not_before.error());
  const auto not_after = TimeOf(X509_get0_notAfter(x509.get()));
  if (!not_after) return std::unexpected(not_after.error());

  auto impl = std::make_shared<Impl>(der, std::move(*key), *algorithm);
  impl->extensions = std::move(*extensions);
  impl->not_before = *not_before;
  impl->not_after = *not_after;
  const X509_NAME* const subject = X509_get_subject_name(x509.get());
  impl->generation = GenerationOf(subject);
  impl->common_name = PrintableCommonName(subject);
  impl->subject = PrintableName(subject);
  impl->issuer = PrintableName(X509_get_issuer_name(x509.get()));
  impl->serial = PrintableSerial(X509_get0_serialNumber(x509.get()));
  return Certificate(std::move(impl));
}

const Bytes& Certificate::der() const { return impl_->der; }
const Digest& Certificate::thumbprint() const { return impl_->thumbprint; }
const PublicKey& Certificate::key() const { return impl_->key; }
bool Certificate::is_ca() const { return impl_->extensions.is_ca; }
bool Certificate::may_sign_certificates() const { return impl_->extensions.may_sign_certificates; }
const std::optional<Digest>& Certificate::authority_key_id() const {
  return impl_->extensions.authority_key_id;
}
bool Certificate::has_authority_key_id() const { return impl_->extensions.has_authority_key_id; }
const std::optional<std::uint64_t>& Certificate::generation() const { return impl_->generation; }
const std::vector<ServerId>& Certificate::server_ids() const {
  return impl_->extensions.server_ids;
}
bool Certificate::Names(const ServerId& server) const {
  return std::ranges::find(server_ids(), server) != server_ids().end();
}
Instant Certificate::not_before() const { return impl_->not_before; }
Instant Certificate::not_after() const { return impl_->not_after; }
const std::string& Certificate::common_name() const { return impl_->common_name; }
const std::string& Certificate::subject() const { return impl_->subject; }
const std::string& Certificate::issuer() const { return impl_->issuer; }
const std::string& Certificate::serial() const { return impl_->serial; }

bool Certificate::IsSignedBy(const PublicKey& key) const {
  if (impl_->algorithm.rsa != (key.kind() == KeyKind::kRsa)) return false;
  const Result<Parts> parts = TakeApart(impl_->der);
  const EvpMdCtxPtr context(EVP_MD_CTX_new());
  const bool valid =
      parts && context &&
      EVP_DigestVerifyInit(context.get(), nullptr, MessageDigest(impl_->algorithm.digest), nullptr,
                           key.impl().key.get()) == 1 &&
      EVP_DigestVerify(context.get(), parts->signature.data(), parts->signature.size(),
                       parts->signed_part.data(), parts->signed_part.size()) == 1;
  if (!valid) ForgetOpenSslErrors();
  return valid;
}

}  // namespace countersign::crypto
