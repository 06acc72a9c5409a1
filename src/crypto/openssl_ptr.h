#pragma once

// Private to crypto/: owners of OpenSSL's objects, and its error queue as an Error.

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>
#include <openssl/provider.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "base/secret.h"

namespace countersign::crypto {

template <auto F>
struct Deleter {
  template <class T>
  void operator()(T* object) const noexcept {
    F(object);
  }
};

inline void FreePkcs7Stack(STACK_OF(PKCS7) * stack) { sk_PKCS7_pop_free(stack, PKCS7_free); }
inline void FreeSafeBagStack(STACK_OF(PKCS12_SAFEBAG) * stack) {
  sk_PKCS12_SAFEBAG_pop_free(stack, PKCS12_SAFEBAG_free);
}
inline void FreeOpenSslMemory(void* memory) { OPENSSL_free(memory); }

template <class T, auto F>
using OpenSslPtr = std::unique_ptr<T, Deleter<F>>;

using AlgorPtr = OpenSslPtr<X509_ALGOR, &X509_ALGOR_free>;
using AuthorityKeyIdPtr = OpenSslPtr<AUTHORITY_KEYID, &AUTHORITY_KEYID_free>;
using BasicConstraintsPtr = OpenSslPtr<BASIC_CONSTRAINTS, &BASIC_CONSTRAINTS_free>;
using BignumPtr = OpenSslPtr<BIGNUM, &BN_free>;
using BioPtr = OpenSslPtr<BIO, &BIO_free>;
using BitStringPtr = OpenSslPtr<ASN1_BIT_STRING, &ASN1_BIT_STRING_free>;
using EcdsaSigPtr = OpenSslPtr<ECDSA_SIG, &ECDSA_SIG_free>;
using EvpMdCtxPtr = OpenSslPtr<EVP_MD_CTX, &EVP_MD_CTX_free>;
using EvpMdPtr = OpenSslPtr<EVP_MD, &EVP_MD_free>;
using EvpPkeyCtxPtr = OpenSslPtr<EVP_PKEY_CTX, &EVP_PKEY_CTX_free>;
using EvpPkeyPtr = OpenSslPtr<EVP_PKEY, &EVP_PKEY_free>;
using GeneralNamePtr = OpenSslPtr<GENERAL_NAME, &GENERAL_NAME_free>;
using GeneralNamesPtr = OpenSslPtr<GENERAL_NAMES, &GENERAL_NAMES_free>;
using LibraryContextPtr = OpenSslPtr<OSSL_LIB_CTX, &OSSL_LIB_CTX_free>;
using OctetStringPtr = OpenSslPtr<ASN1_OCTET_STRING, &ASN1_OCTET_STRING_free>;
using ParamBuilderPtr = OpenSslPtr<OSSL_PARAM_BLD, &OSSL_PARAM_BLD_free>;
using ParamsPtr = OpenSslPtr<OSSL_PARAM, &OSSL_PARAM_free>;
using Pbe2ParamPtr = OpenSslPtr<PBE2PARAM, &PBE2PARAM_free>;
using PbeParamPtr = OpenSslPtr<PBEPARAM, &PBEPARAM_free>;
using Pbkdf2ParamPtr = OpenSslPtr<PBKDF2PARAM, &PBKDF2PARAM_free>;
using Pkcs12Ptr = OpenSslPtr<PKCS12, &PKCS12_free>;
using Pkcs7Ptr = OpenSslPtr<PKCS7, &PKCS7_free>;
using Pkcs7StackPtr = OpenSslPtr<STACK_OF(PKCS7), &FreePkcs7Stack>;
using Pkcs8Ptr = OpenSslPtr<PKCS8_PRIV_KEY_INFO, &PKCS8_PRIV_KEY_INFO_free>;
using ProviderPtr = OpenSslPtr<OSSL_PROVIDER, &OSSL_PROVIDER_unload>;
using SafeBagPtr = OpenSslPtr<PKCS12_SAFEBAG, &PKCS12_SAFEBAG_free>;
using SafeBagStackPtr = OpenSslPtr<STACK_OF(PKCS12_SAFEBAG), &FreeSafeBagStack>;
using TextPtr = OpenSslPtr<char, &FreeOpenSslMemory>;
using TimePtr = OpenSslPtr<ASN1_TIME, &ASN1_TIME_free>;
using X509NamePtr = OpenSslPtr<X509_NAME, &X509_NAME_free>;
using X509Ptr = OpenSslPtr<X509, &X509_free>;

// OpenSslFailure drains OpenSSL's error queue into one Error: "what: reason".
[[nodiscard]] std::unexpected<Error> OpenSslFailure(Code code, std::string_view what);

// ForgetOpenSslErrors empties the queue after a failure that was expected and is told otherwise.
void ForgetOpenSslErrors();

// MessageDigest returns a digest fetched once ("SHA256", "SHA384", "SHA512", "SHA1"): OpenSSL 3
// otherwise looks it up anew for each use.
[[nodiscard]] const EVP_MD* MessageDigest(std::string_view name);

// EncodeDer encodes an ASN.1 object with its i2d function; empty if OpenSSL cannot.
template <auto I2d, class T>
[[nodiscard]] Bytes EncodeDer(T* object) {
  const int len = I2d(object, nullptr);
  if (len <= 0) return {};
  Bytes out(static_cast<std::size_t>(len));
  std::uint8_t* end = out.data();
  if (I2d(object, &end) != len) return {};
  return out;
}

// EncodeSecretDer does so for what must not stay in memory.
template <auto I2d, class T>
[[nodiscard]] SecretBytes EncodeSecretDer(T* object) {
  Bytes der = EncodeDer<I2d>(object);
  SecretBytes out{ByteView(der)};
  Wipe(der);
  return out;
}

// DecodeDer decodes with a d2i function; null if OpenSSL cannot, or if octets follow the end.
template <class Ptr, auto D2i>
[[nodiscard]] Ptr DecodeDer(ByteView der) {
  const std::uint8_t* at = der.data();
  Ptr object(D2i(nullptr, &at, static_cast<long>(der.size())));
  if (!object || at != der.data() + der.size()) return nullptr;
  return object;
}

}  // namespace countersign::crypto
