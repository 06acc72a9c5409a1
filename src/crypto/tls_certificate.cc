#include "crypto/tls_certificate.h"

#include <openssl/objects.h>

#include <utility>

#include "base/encoding.h"
#include "crypto/keys_impl.h"
#include "crypto/openssl_ptr.h"

namespace countersign::crypto {
namespace {

using ExtendedKeyUsagePtr = OpenSslPtr<EXTENDED_KEY_USAGE, &EXTENDED_KEY_USAGE_free>;

constexpr std::size_t kMaxCommonNameLen = 64;  // RFC 5280 A.1: ub-common-name
constexpr std::size_t kMaxHosts = 16;
constexpr std::size_t kMaxHostLen = 253;
constexpr int kDigitalSignatureBit = 0;  // RFC 5280 4.2.1.3
constexpr const char* kNoEnd = "99991231235959Z";

std::unexpected<Error> Broken(std::string_view what) {
  return OpenSslFailure(Code::kInternal, "cannot make a TLS certificate: " + std::string(what));
}

bool SetName(X509* certificate, std::string_view common_name) {
  X509_NAME* const name = X509_get_subject_name(certificate);
  const ByteView text = AsBytes(common_name);
  return X509_NAME_add_entry_by_NID(name, NID_commonName, V_ASN1_UTF8STRING, text.data(),
                                    static_cast<int>(text.size()), -1, 0) == 1 &&
         X509_set_issuer_name(certificate, name) == 1;
}

bool SetSerial(X509* certificate, std::array<std::uint8_t, 16> random) {
  random[0] = static_cast<std::uint8_t>((random[0] & 0x7f) | 0x40);  // positive, never zero
  const BignumPtr number(BN_bin2bn(random.data(), static_cast<int>(random.size()), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool SetValidity(X509* certificate, const TlsCertificateRequest& request) {
  const TimePtr begin(ASN1_TIME_set(nullptr, ToUnix(request.not_before)));
  TimePtr end(ASN1_TIME_new());
  if (request.not_after) {
    end.reset(ASN1_TIME_set(nullptr, ToUnix(*request.not_after)));
  } else if (!end || ASN1_TIME_set_string_X509(end.get(), kNoEnd) != 1) {
    return false;
  }
  return begin && end && X509_set1_notBefore(certificate, begin.get()) == 1 &&
         X509_set1_notAfter(certificate, end.get()) == 1;
}

bool AddExtension(X509* certificate, int nid, void* value, int critical) {
  return value != nullptr &&
         X509_add1_ext_i2d(certificate, nid, value, critical, X509V3_ADD_DEFAULT) == 1;
}

// A host as SAN entry; null if it is neither a name nor an address.
GeneralNamePtr MakeGeneralName(const std::string& host) {
  GeneralNamePtr name(GENERAL_NAME_new());
  if (!name) return nullptr;
  if (OctetStringPtr address{a2i_IPADDRESS(host.c_str())}) {
    GENERAL_NAME_set0_value(name.get(), GEN_IPADD, address.release());
    return name;
  }
  ForgetOpenSslErrors();
  ASN1_IA5STRING* const text = ASN1_IA5STRING_new();
  if (text == nullptr) return nullptr;
  GENERAL_NAME_set0_value(name.get(), GEN_DNS, text);
  if (ASN1_STRING_set(text, host.data(), static_cast<int>(host.size())) != 1) return nullptr;
  return name;
}

bool AddHosts(X509* certificate, const std::vector<std::string>& hosts) {
  if (hosts.empty()) return true;
  const GeneralNamesPtr names(GENERAL_NAMES_new());
  if (!names) return false;
  for (const std::string& host : hosts) {
    GeneralNamePtr name = MakeGeneralName(host);
    if (!name || sk_GENERAL_NAME_push(names.get(), name.get()) <= 0) return false;
    static_cast<void>(name.release());  // the list's now
  }
  return AddExtension(certificate, NID_subject_alt_name, names.get(), 0);
}

bool AddUsages(X509* certificate) {
  const BasicConstraintsPtr constraints(BASIC_CONSTRAINTS_new());
  const BitStringPtr usage(ASN1_BIT_STRING_new());
  const ExtendedKeyUsagePtr extended(EXTENDED_KEY_USAGE_new());
  ASN1_OBJECT* const server_auth = OBJ_nid2obj(NID_server_auth);  // OpenSSL's own
  return constraints && usage && extended && server_auth != nullptr &&
         ASN1_BIT_STRING_set_bit(usage.get(), kDigitalSignatureBit, 1) == 1 &&
         sk_ASN1_OBJECT_push(extended.get(), server_auth) > 0 &&
         AddExtension(certificate, NID_basic_constraints, constraints.get(), 1) &&
         AddExtension(certificate, NID_key_usage, usage.get(), 1) &&
         AddExtension(certificate, NID_ext_key_usage, extended.get(), 0);
}

bool IsHost(const std::string& host) {
  return !host.empty() && host.size() <= kMaxHostLen && IsPrintableUtf8(host) &&
         std::all_of(host.begin(), host.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

Result<Certificate> MakeTlsCertificate(const TlsCertificateRequest& request,
                                       const PrivateKey& key) {
  const bool named = !request.common_name.empty() &&
                     request.common_name.size() <= kMaxCommonNameLen &&
                     IsPrintableUtf8(request.common_name);
  if (!named || request.hosts.size() > kMaxHosts ||
      !std::all_of(request.hosts.begin(), request.hosts.end(), IsHost)) {
    return Fail(Code::kUsage,
                "cannot make a TLS certificate: it takes a common name of 1 to 64 octets, and at "
                "most 16 host names or addresses");
  }
  const X509Ptr certificate(X509_new());
  X509* const x509 = certificate.get();
  if (x509 == nullptr || X509_set_version(x509, X509_VERSION_3) != 1 ||
      X509_set_pubkey(x509, key.impl().key.get()) != 1) {
    return Broken("key");
  }
  if (!SetName(x509, request.common_name) || !SetSerial(x509, request.serial_random)) {
    return Broken("name");
  }
  if (!SetValidity(x509, request)) return Broken("validity");
  if (!AddUsages(x509) || !AddHosts(x509, request.hosts)) return Broken("extensions");
  const bool p384 = key.public_key().kind() == KeyKind::kP384;
  if (X509_sign(x509, key.impl().key.get(), MessageDigest(p384 ? "SHA384" : "SHA256")) <= 0) {
    return Broken("signature");
  }
  return Certificate::Parse(EncodeDer<&i2d_X509>(x509));
}

bool NamesHost(const Certificate& certificate, const std::string& host) {
  const auto x509 = DecodeDer<X509Ptr, &d2i_X509>(certificate.der());
  if (!x509 || host.empty()) return false;
  constexpr unsigned kFlags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
  const bool named = X509_check_ip_asc(x509.get(), host.c_str(), kFlags) == 1 ||
                     X509_check_host(x509.get(), host.data(), host.size(), kFlags, nullptr) == 1;
  ForgetOpenSslErrors();
  return named;
}

}  // namespace countersign::crypto
