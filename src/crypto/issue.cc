#include <string>

#include "base/encoding.h"
#include "crypto/certificate.h"
#include "crypto/certificate_name.h"
#include "crypto/keys_impl.h"
#include "crypto/openssl_ptr.h"

namespace countersign::crypto {
namespace {

using Role = CertificateRequest::Role;

constexpr std::size_t kMaxCommonNameLen = 64;  // RFC 5280 A.1: ub-common-name
constexpr int kDigitalSignatureBit = 0;        // RFC 5280 4.2.1.3
constexpr int kKeyCertSignBit = 5;
// RFC 5280 4.1.2.5: no well-defined end.
constexpr const char* kNoEnd = "99991231235959Z";

std::unexpected<Error> Refuse(std::string message) {
  return Fail(Code::kUsage, "cannot issue a certificate: " + std::move(message));
}

std::unexpected<Error> Broken(std::string_view what) {
  return OpenSslFailure(Code::kInternal, "cannot issue a certificate: " + std::string(what));
}

Status CheckRequest(const CertificateRequest& request, const PublicKey& subject_key,
                    const PrivateKey& issuer, const Certificate* issuer_name_from) {
  if (request.common_name.empty() || request.common_name.size() > kMaxCommonNameLen ||
      !IsPrintableUtf8(request.common_name)) {
    return Refuse("the common name must be 1 to 64 octets of printable UTF-8");
  }
  if (request.role == Role::kServer && !request.generation) return Refuse("no generation is given");
  if (request.generation && (*request.generation == 0 || *request.generation > kMaxGeneration)) {
    return Refuse("the generation is not between 1 and 2^53-1");
  }
  if ((request.role == Role::kOwner) != request.server_ids.empty()) {
    return Refuse("an owner certificate names no server id, and every other at least one");
  }
  if (request.not_after && *request.not_after < request.not_before) {
    return Refuse("it would end before it begins");
  }
  const bool self_signed = request.role == Role::kOwner;
  if (self_signed != (issuer_name_from == nullptr)) {
    return Refuse("an owner certificate is self-signed, and no other is");
  }
  const PublicKey& issuing_key = self_signed ? subject_key : issuer_name_from->key();
  if (issuing_key != issuer.public_key()) return Refuse("the issuer's key is another one");
  return {};
}

Status SetSerial(X509* certificate, std::array<std::uint8_t, 16> random) {
  random[0] &= 0x7f;  // 127 bits, so that DER needs no leading zero for the sign
  const BignumPtr number(BN_bin2bn(random.data(), static_cast<int>(random.size()), nullptr));
  if (!number) return Broken("serial number");
  if (BN_is_zero(number.get())) return Refuse("the serial number would be zero");
  if (BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) == nullptr) {
    return Broken("serial number");
  }
  return {};
}

bool AddNameEntry(X509_NAME* name, int nid, int type, std::string_view value) {
  const ByteView bytes = AsBytes(value);
  return X509_NAME_add_entry_by_NID(name, nid, type, bytes.data(), static_cast<int>(bytes.size()),
                                    -1, 0) == 1;
}

Status SetSubject(X509* certificate, const CertificateRequest& request) {
  X509_NAME* const name = X509_get_subject_name(certificate);
  if (!AddNameEntry(name, NID_commonName, V_ASN1_UTF8STRING, request.common_name)) {
    return Broken("common name");
  }
  if (request.generation && !AddNameEntry(name, NID_dnQualifier, V_ASN1_PRINTABLESTRING,
                                          std::to_string(*request.generation))) {
    return Broken("generation");
  }
  return {};
}

Status SetIssuer(X509* certificate, const Certificate* issuer) {
  if (issuer == nullptr) {
    if (X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) != 1) {
      return Broken("issuer name");
    }
    return {};
  }
  const auto parsed = DecodeDer<X509Ptr, &d2i_X509>(issuer->der());
  if (!parsed || X509_set_issuer_name(certificate, X509_get_subject_name(parsed.get())) != 1) {
    return Broken("issuer name");
  }
  return {};
}

Status SetValidity(X509* certificate, const CertificateRequest& request) {
  const TimePtr begin(ASN1_TIME_set(nullptr, ToUnix(request.not_before)));
  TimePtr end(ASN1_TIME_new());
  if (request.not_after) {
    end.reset(ASN1_TIME_set(nullptr, ToUnix(*request.not_after)));
  } else if (!end || ASN1_TIME_set_string_X509(end.get(), kNoEnd) != 1) {
    return Broken("validity");
  }
  if (!begin || !end || X509_set1_notBefore(certificate, begin.get()) != 1 ||
      X509_set1_notAfter(certificate, end.get()) != 1) {
    return Broken("validity");
  }
  return {};
}

enum class Critical { kNo = 0, kYes = 1 };

bool AddExtension(X509* certificate, int nid, void* value, Critical critical) {
  return value != nullptr && X509_add1_ext_i2d(certificate, nid, value, static_cast<int>(critical),
                                               X509V3_ADD_DEFAULT) == 1;
}

bool AddBasicConstraints(X509* certificate, bool is_ca) {
  const BasicConstraintsPtr constraints(BASIC_CONSTRAINTS_new());
  if (!constraints) return false;
  constraints->ca = is_ca ? 0xff : 0;
  return AddExtension(certificate, NID_basic_constraints, constraints.get(), Critical::kYes);
}

bool AddKeyUsage(X509* certificate, int bit) {
  const BitStringPtr usage(ASN1_BIT_STRING_new());
  return usage && ASN1_BIT_STRING_set_bit(usage.get(), bit, 1) == 1 &&
         AddExtension(certificate, NID_key_usage, usage.get(), Critical::kYes);
}

OctetStringPtr MakeOctetString(ByteView bytes) {
  OctetStringPtr string(ASN1_OCTET_STRING_new());
  if (!string ||
      ASN1_OCTET_STRING_set(string.get(), bytes.data(), static_cast<int>(bytes.size())) != 1) {
    return nullptr;
  }
  return string;
}

bool AddSubjectKeyId(X509* certificate, const Digest& digest) {
  const OctetStringPtr id = MakeOctetString(digest);
  return AddExtension(certificate, NID_subject_key_identifier, id.get(), Critical::kNo);
}

bool AddAuthorityKeyId(X509* certificate, const Digest& digest) {
  const AuthorityKeyIdPtr authority(AUTHORITY_KEYID_new());
  OctetStringPtr id = MakeOctetString(digest);
  if (!authority || !id) return false;
  authority->keyid = id.release();
  return AddExtension(certificate, NID_authority_key_identifier, authority.get(), Critical::kNo);
}

bool AddServerIds(X509* certificate, const std::vector<ServerId>& ids) {
  const GeneralNamesPtr names(GENERAL_NAMES_new());
  if (!names) return false;
  for (const ServerId& id : ids) {
    GeneralNamePtr name(GENERAL_NAME_new());
    ASN1_IA5STRING* const uri = ASN1_IA5STRING_new();
    if (!name || uri == nullptr) return false;
    GENERAL_NAME_set0_value(name.get(), GEN_URI, uri);
    const std::string text = id.Urn();
    if (ASN1_STRING_set(uri, text.data(), static_cast<int>(text.size())) != 1 ||
        sk_GENERAL_NAME_push(names.get(), name.get()) <= 0) {
      return false;
    }
    static_cast<void>(name.release());  // the list's now
  }
  return AddExtension(certificate, NID_subject_alt_name, names.get(), Critical::kNo);
}

// Protocol section 2, by role.
bool AddExtensions(X509* certificate, const CertificateRequest& request,
                   const PublicKey& subject_key, const PublicKey& issuer_key) {
  const bool is_ca = request.role != Role::kServer;
  const bool self_signed = request.role == Role::kOwner;
  return AddBasicConstraints(certificate, is_ca) &&
         AddKeyUsage(certificate, is_ca ? kKeyCertSignBit : kDigitalSignatureBit) &&
         AddSubjectKeyId(certificate, subject_key.digest()) &&
         (self_signed || AddAuthorityKeyId(certificate, issuer_key.digest())) &&
         (request.server_ids.empty() || AddServerIds(certificate, request.server_ids));
}

}  // namespace

Result<Certificate> IssueCertificate(const CertificateRequest& request,
                                     const PublicKey& subject_key, const PrivateKey& issuer,
                                     const Certificate* issuer_name_from) {
  COUNTERSIGN_RETURN_IF_ERROR(CheckRequest(request, subject_key, issuer, issuer_name_from));
  const X509Ptr certificate(X509_new());
  X509* const x509 = certificate.get();
  if (x509 == nullptr || X509_set_version(x509, X509_VERSION_3) != 1 ||
      X509_set_pubkey(x509, subject_key.impl().key.get()) != 1) {
    return Broken("key");
  }
  COUNTERSIGN_RETURN_IF_ERROR(SetSerial(x509, request.serial_random));
  COUNTERSIGN_RETURN_IF_ERROR(SetSubject(x509, request));
  COUNTERSIGN_RETURN_IF_ERROR(SetIssuer(x509, issuer_name_from));
  COUNTERSIGN_RETURN_IF_ERROR(SetValidity(x509, request));
  if (!AddExtensions(x509, request, subject_key, issuer.public_key())) return Broken("extensions");
  const bool p384 = issuer.public_key().kind() == KeyKind::kP384;
  if (X509_sign(x509, issuer.impl().key.get(), MessageDigest(p384 ? "SHA384" : "SHA256")) <= 0) {
    return Broken("signature");
  }
  return Certificate::Parse(EncodeDer<&i2d_X509>(x509));
}

}  // namespace countersign::crypto
