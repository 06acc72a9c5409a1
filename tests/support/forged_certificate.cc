#include "tests/support/forged_certificate.h"

#include "crypto/keys_impl.h"
#include "crypto/openssl_ptr.h"

namespace countersign::testing {
namespace {

using ExtensionPtr = crypto::OpenSslPtr<X509_EXTENSION, &X509_EXTENSION_free>;
using ObjectPtr = crypto::OpenSslPtr<ASN1_OBJECT, &ASN1_OBJECT_free>;

int TypeOf(ForgedCertificate::Text text) {
  switch (text) {
    case ForgedCertificate::Text::kUtf8:
      return V_ASN1_UTF8STRING;
    case ForgedCertificate::Text::kIa5:
      return V_ASN1_IA5STRING;
    default:
      return V_ASN1_PRINTABLESTRING;
  }
}

void SetSubject(X509* x509, const ForgedCertificate& certificate) {
  X509_NAME* const name = X509_get_subject_name(x509);
  for (const auto& entry : certificate.subject) {
    const ByteView value = AsBytes(entry.value);
    const int set = entry.in_previous_rdn ? -1 : 0;
    Check(X509_NAME_add_entry_by_txt(name, entry.attribute.c_str(), TypeOf(entry.text),
                                     value.data(), static_cast<int>(value.size()), -1, set) == 1,
          entry.attribute);
  }
  Check(X509_set_issuer_name(x509, name) == 1, "issuer name");
}

void SetDates(X509* x509, const ForgedCertificate& certificate) {
  const crypto::TimePtr begin(ASN1_TIME_set(nullptr, ToUnix(certificate.not_before)));
  crypto::TimePtr end(ASN1_TIME_new());
  if (certificate.not_after) {
    end.reset(ASN1_TIME_set(nullptr, ToUnix(*certificate.not_after)));
  } else {
    Check(ASN1_TIME_set_string_X509(end.get(), "99991231235959Z") == 1, "not after");
  }
  Check(begin && end && X509_set1_notBefore(x509, begin.get()) == 1 &&
            X509_set1_notAfter(x509, end.get()) == 1,
        "validity");
}

void SetKey(X509* x509, const ForgedCertificate& certificate, const crypto::PublicKey& key) {
  const Bytes& spki = certificate.spki ? *certificate.spki : key.spki();
  const auto parsed = crypto::DecodeDer<crypto::EvpPkeyPtr, &d2i_PUBKEY>(spki);
  Check(parsed && X509_set_pubkey(x509, parsed.get()) == 1, "key");
}

// Appended by hand: OpenSSL's convenience functions would not write an extension twice.
void Add(X509* x509, const std::string& oid, bool critical, ByteView der) {
  const ObjectPtr object(OBJ_txt2obj(oid.c_str(), /*no_name=*/1));
  const crypto::OctetStringPtr value(ASN1_OCTET_STRING_new());
  Check(object && value &&
            ASN1_OCTET_STRING_set(value.get(), der.data(), static_cast<int>(der.size())) == 1,
        oid);
  const ExtensionPtr extension(
      X509_EXTENSION_create_by_OBJ(nullptr, object.get(), critical ? 1 : 0, value.get()));
  Check(extension && X509_add_ext(x509, extension.get(), -1) == 1, oid);
}

void AddByText(X509* x509, int nid, const std::string& text) {
  const ExtensionPtr extension(X509V3_EXT_nconf_nid(nullptr, nullptr, nid, text.c_str()));
  Check(extension && X509_add_ext(x509, extension.get(), -1) == 1, text);
}

Bytes Tagged(std::uint8_t tag, ByteView content) {
  Writer writer;
  writer.U8(tag);
  if (content.size() < 0x80) {
    writer.U8(static_cast<std::uint8_t>(content.size()));
  } else {
    writer.U8(0x82).U16(static_cast<std::uint16_t>(content.size()));
    Check(content.size() >= 0x100 && content.size() <= 0xffff, "a length that DER writes so");
  }
  return writer.Raw(content).Take();
}

void AddUris(X509* x509, const std::vector<std::string>& uris) {
  if (uris.empty()) return;
  const crypto::GeneralNamesPtr names(GENERAL_NAMES_new());
  for (const std::string& text : uris) {
    crypto::GeneralNamePtr name(GENERAL_NAME_new());
    ASN1_IA5STRING* const uri = ASN1_IA5STRING_new();
    Check(names && name && uri != nullptr &&
              ASN1_STRING_set(uri, text.data(), static_cast<int>(text.size())) == 1,
          text);
    GENERAL_NAME_set0_value(name.get(), GEN_URI, uri);
    Check(sk_GENERAL_NAME_push(names.get(), name.release()) > 0, text);
  }
  Check(X509_add1_ext_i2d(x509, NID_subject_alt_name, names.get(), 0, X509V3_ADD_APPEND) == 1,
        "subjectAltName");
}

void AddExtensions(X509* x509, const ForgedCertificate& certificate) {
  if (certificate.is_ca) {
    AddByText(x509, NID_basic_constraints,
              *certificate.is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
  }
  if (certificate.key_usage) {
    AddByText(x509, NID_key_usage, "critical," + *certificate.key_usage);
  }
  if (certificate.authority_key_id) {
    Add(x509, "2.5.29.35", false, Tagged(0x30, Tagged(0x80, *certificate.authority_key_id)));
  }
  AddUris(x509, certificate.uris);
  for (const auto& extension : certificate.more) {
    Add(x509, extension.oid, extension.critical, extension.der);
  }
}

}  // namespace

Bytes Forge(const ForgedCertificate& certificate, const crypto::PublicKey& subject_key,
            const crypto::PrivateKey& issuer) {
  const crypto::X509Ptr owned(X509_new());
  X509* const x509 = owned.get();
  Check(x509 != nullptr && X509_set_version(x509, certificate.version - 1) == 1 &&
            ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), certificate.serial) == 1,
        "certificate");
  SetKey(x509, certificate, subject_key);
  SetSubject(x509, certificate);
  SetDates(x509, certificate);
  if (certificate.version == 3) AddExtensions(x509, certificate);
  Check(X509_sign(x509, issuer.impl().key.get(), EVP_get_digestbyname(certificate.digest.c_str())) >
            0,
        "signature");
  Bytes der = crypto::EncodeDer<&i2d_X509>(x509);
  der.insert(der.end(), certificate.after_the_end.begin(), certificate.after_the_end.end());
  return der;
}

}  // namespace countersign::testing
