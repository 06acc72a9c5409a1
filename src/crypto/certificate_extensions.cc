#include "crypto/certificate_extensions.h"

#include <algorithm>
#include <string>
#include <utility>

#include "crypto/der.h"

namespace countersign::crypto {
namespace {

constexpr int kKeyCertSignBit = 5;  // RFC 5280 4.2.1.3

ByteView ContentOf(const ASN1_STRING* string) {
  return {ASN1_STRING_get0_data(string), static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::string NameOf(const ASN1_OBJECT* object) {
  char name[80];
  const int len = OBJ_obj2txt(name, sizeof name, object, 0);
  if (len <= 0) return "(unnamed)";
  return {name, std::min<std::size_t>(static_cast<std::size_t>(len), sizeof name - 1)};
}

std::unexpected<Error> Refuse(const ASN1_OBJECT* extension, std::string_view why) {
  return Fail(Code::kMalformed, "the extension " + NameOf(extension) + " " + std::string(why));
}

// RFC 5280 4.2: "A certificate MUST NOT include more than one instance of a particular extension."
Status CheckDuplicates(const X509* certificate) {
  std::vector<std::pair<Bytes, const ASN1_OBJECT*>> seen;
  for (int i = 0; i < X509_get_ext_count(certificate); ++i) {
    const ASN1_OBJECT* const object = X509_EXTENSION_get_object(X509_get_ext(certificate, i));
    seen.emplace_back(ToBytes(ByteView(OBJ_get0_data(object), OBJ_length(object))), object);
  }
  std::ranges::sort(seen);
  const auto twice = std::ranges::adjacent_find(seen, {}, &decltype(seen)::value_type::first);
  if (twice != seen.end()) return Refuse(twice->second, "occurs twice");
  return {};
}

// Decode decodes an extension's value as an object of the type that `Ptr` owns; null if it does not
// parse.
template <class Ptr>
Ptr Decode(X509_EXTENSION* extension) {
  return Ptr(static_cast<typename Ptr::pointer>(X509V3_EXT_d2i(extension)));
}

bool TakeBasicConstraints(X509_EXTENSION* extension, CertificateExtensions& out) {
  const auto constraints = Decode<BasicConstraintsPtr>(extension);
  if (!constraints) return false;
  out.is_ca = constraints->ca != 0;
  return true;
}

bool TakeKeyUsage(X509_EXTENSION* extension, CertificateExtensions& out) {
  const auto usage = Decode<BitStringPtr>(extension);
  if (!usage) return false;
  out.may_sign_certificates = ASN1_BIT_STRING_get_bit(usage.get(), kKeyCertSignBit) == 1;
  return true;
}

bool TakeAuthorityKeyId(X509_EXTENSION* extension, CertificateExtensions& out) {
  const auto authority = Decode<AuthorityKeyIdPtr>(extension);
  if (!authority) return false;
  out.has_authority_key_id = true;
  if (authority->keyid == nullptr) return true;
  Reader reader(ContentOf(authority->keyid));
  const Digest digest = reader.ReadArray<32>();
  if (reader.AtEnd()) out.authority_key_id = digest;
  return true;
}

bool TakeAlternativeNames(X509_EXTENSION* extension, CertificateExtensions& out) {
  const auto names = Decode<GeneralNamesPtr>(extension);
  if (!names) return false;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const auto id = ServerId::ParseUrn(AsText(ContentOf(name->d.uniformResourceIdentifier)));
    if (id) out.server_ids.push_back(*id);
  }
  return true;
}

using ExtendedKeyUsagePtr = OpenSslPtr<EXTENDED_KEY_USAGE, &EXTENDED_KEY_USAGE_free>;

enum class Outcome { kBroken, kUnknown, kTaken };

Outcome TakenIf(bool parsed) { return parsed ? Outcome::kTaken : Outcome::kBroken; }

Outcome Take(X509_EXTENSION* extension, CertificateExtensions& out) {
  switch (OBJ_obj2nid(X509_EXTENSION_get_object(extension))) {
    case NID_basic_constraints:
      return TakenIf(TakeBasicConstraints(extension, out));
    case NID_key_usage:
      return TakenIf(TakeKeyUsage(extension, out));
    case NID_authority_key_identifier:
      return TakenIf(TakeAuthorityKeyId(extension, out));
    case NID_subject_alt_name:
      return TakenIf(TakeAlternativeNames(extension, out));
    case NID_subject_key_identifier:
      return TakenIf(Decode<OctetStringPtr>(extension) != nullptr);
    case NID_ext_key_usage:
      return TakenIf(Decode<ExtendedKeyUsagePtr>(extension) != nullptr);
    default:
      return Outcome::kUnknown;
  }
}

Status ParseOne(X509_EXTENSION* extension, CertificateExtensions& out) {
  const ASN1_OBJECT* const object = X509_EXTENSION_get_object(extension);
  const Outcome outcome = Take(extension, out);
  if (outcome == Outcome::kUnknown) {
    if (X509_EXTENSION_get_critical(extension) == 0) return {};
    return Refuse(object, "is critical and not known here");
  }
  // OpenSSL's decoders leave octets after the end unmentioned.
  if (outcome == Outcome::kBroken || !IsDer(ContentOf(X509_EXTENSION_get_data(extension)))) {
    ForgetOpenSslErrors();
    return Refuse(object, "is not the DER that it should be");
  }
  return {};
}

}  // namespace

Result<CertificateExtensions> ParseExtensions(const X509* certificate) {
  COUNTERSIGN_RETURN_IF_ERROR(CheckDuplicates(certificate));
  CertificateExtensions out;
  for (int i = 0; i < X509_get_ext_count(certificate); ++i) {
    COUNTERSIGN_RETURN_IF_ERROR(ParseOne(X509_get_ext(certificate, i), out));
  }
  out.may_sign_certificates = out.may_sign_certificates && out.is_ca;
  return out;
}

}  // namespace countersign::crypto
