#include "crypto/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <utility>

#include "crypto/keys_impl.h"
#include "crypto/openssl_ptr.h"

namespace countersign::crypto {
namespace {

BioPtr Open(ByteView text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Nobody is asked for a password.
int NoPassword(char*, int, int, void*) { return -1; }

// The memory behind it is wiped when it goes.
struct SecretBioDeleter {
  void operator()(BIO* bio) const noexcept {
    char* data = nullptr;
    const long len = BIO_get_mem_data(bio, &data);
    if (len > 0) OPENSSL_cleanse(data, static_cast<std::size_t>(len));
    BIO_free(bio);
  }
};

}  // namespace

Result<std::vector<Bytes>> ParsePemCertificates(std::string_view text) {
  if (text.size() > kMaxPemLen) return Fail(Code::kMalformed, "more than 128 KiB of PEM");
  const BioPtr bio = Open(AsBytes(text));
  if (!bio) return OpenSslFailure(Code::kExhausted, "no memory for a certificate");
  std::vector<Bytes> chain;
  for (;;) {
    ERR_clear_error();
    const X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, &NoPassword, nullptr));
    if (!certificate) break;
    if (chain.size() == kMaxPemCertificates) {
      return Fail(Code::kMalformed, "more than 8 certificates in one file");
    }
    chain.push_back(EncodeDer<&i2d_X509>(certificate.get()));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ForgetOpenSslErrors();
  if (!at_end) return Fail(Code::kMalformed, "a certificate in the PEM text cannot be read");
  if (chain.empty()) return Fail(Code::kMalformed, "no certificate in the PEM text");
  return chain;
}

Result<PrivateKey> ParsePemKey(const SecretBytes& text) {
  if (text.size() > kMaxPemLen) return Fail(Code::kMalformed, "more than 128 KiB of PEM");
  const BioPtr bio = Open(text.view());
  if (!bio) return OpenSslFailure(Code::kExhausted, "no memory for a key");
  const EvpPkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassword, nullptr));
  if (!key) {
    ForgetOpenSslErrors();
    return Fail(Code::kMalformed, "no private key that can be read without a password",
                "openssl pkey -in KEY -out PLAIN-KEY takes the password off");
  }
  const Pkcs8Ptr pkcs8(EVP_PKEY2PKCS8(key.get()));
  if (!pkcs8) return OpenSslFailure(Code::kInternal, "a private key cannot be encoded");
  return PrivateKey::FromPkcs8(EncodeSecretDer<&i2d_PKCS8_PRIV_KEY_INFO>(pkcs8.get()));
}

Result<SecretBytes> FormatPem(const PrivateKey& key, std::span<const Bytes> chain, KeyExportToken) {
  const std::unique_ptr<BIO, SecretBioDeleter> bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key.impl().key.get(), nullptr, nullptr, 0,
                                            nullptr, nullptr) != 1) {
    return OpenSslFailure(Code::kInternal, "a private key cannot be written");
  }
  for (const Bytes& der : chain) {
    const auto certificate = DecodeDer<X509Ptr, &d2i_X509>(der);
    if (!certificate || PEM_write_bio_X509(bio.get(), certificate.get()) != 1) {
      return OpenSslFailure(Code::kInternal, "a certificate cannot be written");
    }
  }
  char* data = nullptr;
  const long len = BIO_get_mem_data(bio.get(), &data);
  return SecretBytes(AsBytes(std::string_view(data, static_cast<std::size_t>(len))));
}

}  // namespace countersign::crypto
