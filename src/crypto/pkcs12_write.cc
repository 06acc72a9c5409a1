#include <algorithm>
#include <string>
#include <utility>

#include "crypto/hash.h"
#include "crypto/keys_impl.h"
#include "crypto/openssl_ptr.h"
#include "crypto/pkcs12.h"

namespace countersign::crypto {
namespace {

constexpr std::size_t kSaltLen = 16;

std::unexpected<Error> Broken(std::string_view what) {
  return OpenSslFailure(Code::kInternal, "cannot write the PKCS#12 file: " + std::string(what));
}

struct Password {
  const char* text;
  int len;
};

// Bags builds the one safe that everything goes into.
class Bags {
 public:
  Bags() : bags_(sk_PKCS12_SAFEBAG_new_null()) {}

  // Shrouded once more, as other programs write keys: Java sees no others.
  [[nodiscard]] Status AddKey(const Pkcs12Contents::Key& key, const Password& password,
                              int iterations) {
    const Pkcs8Ptr info(EVP_PKEY2PKCS8(key.key.impl().key.get()));
    if (!info) return Broken("a key");
    auto salt = SystemRandom().Array<kSaltLen>();
    SafeBagPtr bag(PKCS12_SAFEBAG_create_pkcs8_encrypt(NID_aes_256_cbc, password.text, password.len,
                                                       salt.data(), static_cast<int>(salt.size()),
                                                       iterations, info.get()));
    if (!bag) return Broken("a key");
    return Add(std::move(bag), key.friendly_name, key.key.public_key().spki());
  }

  [[nodiscard]] Status AddCertificate(const Pkcs12Contents::Cert& certificate) {
    const auto x509 = DecodeDer<X509Ptr, &d2i_X509>(certificate.der);
    if (!x509 || EncodeDer<&i2d_X509>(x509.get()) != certificate.der) {
      return OpenSslFailure(Code::kMalformed, "not the DER of one certificate");
    }
    const Bytes spki = EncodeDer<&i2d_X509_PUBKEY>(X509_get_X509_PUBKEY(x509.get()));
    return Add(SafeBagPtr(PKCS12_SAFEBAG_create_cert(x509.get())), certificate.friendly_name, spki);
  }

  [[nodiscard]] Status AddSecret(const Pkcs12Contents::Secret& secret) {
    return Add(SafeBagPtr(PKCS12_SAFEBAG_create_secret(NID_pkcs7_data, V_ASN1_OCTET_STRING,
                                                       secret.data.data(),
                                                       static_cast<int>(secret.data.size()))),
               secret.friendly_name, {});
  }

  [[nodiscard]] STACK_OF(PKCS12_SAFEBAG) * get() const { return bags_.get(); }

 private:
  // `spki`: of the key that the bag belongs to, or empty. Other readers pair a key with its
  // certificate by this identifier (RFC 7292 4.2), for which SHA-1 is what they expect to see.
  [[nodiscard]] Status Add(SafeBagPtr bag, const std::string& friendly_name, ByteView spki) {
    if (!bag || !bags_) return Broken("a bag");
    if (!friendly_name.empty() &&
        PKCS12_add_friendlyname_utf8(bag.get(), friendly_name.data(),
                                     static_cast<int>(friendly_name.size())) != 1) {
      return Broken("a friendly name");
    }
    auto id = Sha1(spki);
    if (!spki.empty() &&
        PKCS12_add_localkeyid(bag.get(), id.data(), static_cast<int>(id.size())) != 1) {
      return Broken("a local key id");
    }
    if (sk_PKCS12_SAFEBAG_push(bags_.get(), bag.get()) <= 0) return Broken("a bag");
    static_cast<void>(bag.release());  // the safe's now
    return {};
  }

  SafeBagStackPtr bags_;
};

Result<Bags> MakeBags(const Pkcs12Contents& contents, const Password& password, int iterations) {
  Bags bags;
  for (const auto& key : contents.keys) {
    COUNTERSIGN_RETURN_IF_ERROR(bags.AddKey(key, password, iterations));
  }
  for (const auto& certificate : contents.certificates) {
    COUNTERSIGN_RETURN_IF_ERROR(bags.AddCertificate(certificate));
  }
  for (const auto& secret : contents.secrets) COUNTERSIGN_RETURN_IF_ERROR(bags.AddSecret(secret));
  return bags;
}

// What is written must be readable again.
Status CheckLimits(const Pkcs12Contents& contents, int iterations) {
  const std::size_t bags =
      contents.keys.size() + contents.certificates.size() + contents.secrets.size();
  if (bags > kPkcs12MaxBags) {
    return Fail(Code::kExhausted, "cannot write a PKCS#12 file with " + std::to_string(bags) +
                                      " bags; " + std::to_string(kPkcs12MaxBags) +
                                      " is the limit of its reader");
  }
  const std::uint64_t inner = contents.keys.size() * std::uint64_t{kPkcs12KeyIterations};
  if (iterations < 1 || 2 * static_cast<std::uint64_t>(iterations) > kPkcs12MaxIterations - inner) {
    return Fail(Code::kUsage, "cannot write a PKCS#12 file with so many iterations");
  }
  return {};
}

}  // namespace

// A cipher in place of a PBE algorithm makes OpenSSL choose PBES2, with its default PRF
// HMAC-SHA-256 (RFC 8018 6.2).
Result<Bytes> WritePkcs12(const Pkcs12Contents& contents, const SecretBytes& password,
                          int iterations) {
  COUNTERSIGN_RETURN_IF_ERROR(CheckLimits(contents, iterations));
  const char* const text = password.empty() ? "" : password.text().data();
  const int len = static_cast<int>(password.size());
  const Result<Bags> bags =
      MakeBags(contents, {text, len}, std::min(iterations, kPkcs12KeyIterations));
  if (!bags) return std::unexpected(bags.error());
  SystemRandom random;
  auto salt = random.Array<kSaltLen>();
  auto mac_salt = random.Array<kSaltLen>();
  Pkcs7Ptr safe(PKCS12_pack_p7encdata(NID_aes_256_cbc, text, len, salt.data(),
                                      static_cast<int>(salt.size()), iterations, bags->get()));
  const Pkcs7StackPtr safes(sk_PKCS7_new_null());
  if (!safe || !safes || sk_PKCS7_push(safes.get(), safe.get()) <= 0) return Broken("encryption");
  static_cast<void>(safe.release());  // the list's now
  const Pkcs12Ptr file(PKCS12_add_safes(safes.get(), 0));
  if (!file || PKCS12_set_mac(file.get(), text, len, mac_salt.data(),
                              static_cast<int>(mac_salt.size()), iterations, EVP_sha256()) != 1) {
    return Broken("MAC");
  }
  Bytes der = EncodeDer<&i2d_PKCS12>(file.get());
  if (der.empty()) return Broken("encoding");
  if (der.size() > kPkcs12MaxLen) {
    return Fail(Code::kExhausted,
                "the PKCS#12 file would be larger than the 1 MiB that its reader takes");
  }
  return der;
}

}  // namespace countersign::crypto
