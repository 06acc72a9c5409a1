#include "crypto/keys.h"

#include <openssl/core_names.h>

#include <algorithm>

#include "crypto/ecdsa_signature.h"
#include "crypto/hash.h"
#include "crypto/keys_impl.h"
#include "crypto/spki.h"

namespace countersign::crypto {

struct PublicKeyAccess {
  static PublicKey Make(std::shared_ptr<const PublicKey::Impl> impl) {
    return PublicKey(std::move(impl));
  }
};

struct PrivateKeyAccess {
  static PrivateKey Make(std::shared_ptr<const PrivateKey::Impl> impl, PublicKey public_key) {
    return {std::move(impl), std::move(public_key)};
  }
};

namespace {

// SubjectPublicKeyInfo of a P-256 key up to the coordinates (RFC 5480 2).
constexpr std::array<std::uint8_t, 27> kP256Prefix = {
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
    0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

constexpr std::size_t CoordinateLen(KeyKind kind) { return kind == KeyKind::kP384 ? 48 : 32; }

const EVP_MD* JwsDigest(KeyKind kind) {
  return MessageDigest(kind == KeyKind::kP384 ? "SHA384" : "SHA256");
}

std::string Describe(const Spki& spki) {
  switch (spki.kind) {
    case KeyKind::kP256:
      return "EC P-256";
    case KeyKind::kP384:
      return "EC P-384";
    case KeyKind::kRsa:
      break;
  }
  return "RSA " + std::to_string(spki.modulus_bits);
}

ParamsPtr EcParams(const Spki& spki) {
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  const char* const group = spki.kind == KeyKind::kP384 ? "P-384" : "P-256";
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, group, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, spki.point.data(),
                                       spki.point.size()) != 1) {
    return nullptr;
  }
  return ParamsPtr(OSSL_PARAM_BLD_to_param(builder.get()));
}

ParamsPtr RsaParams(const Spki& spki) {
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  const BignumPtr modulus(
      BN_bin2bn(spki.modulus.data(), static_cast<int>(spki.modulus.size()), nullptr));
  if (!builder || !modulus ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_ulong(builder.get(), OSSL_PKEY_PARAM_RSA_E, 65537) != 1) {
    return nullptr;
  }
  return ParamsPtr(OSSL_PARAM_BLD_to_param(builder.get()));
}

// MakeKey gives the key to OpenSSL, which checks that the point is on the curve.
EvpPkeyPtr MakeKey(const Spki& spki) {
  const bool rsa = spki.kind == KeyKind::kRsa;
  const EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, rsa ? "RSA" : "EC", nullptr));
  const ParamsPtr params = rsa ? RsaParams(spki) : EcParams(spki);
  EVP_PKEY* key = nullptr;
  if (!context || !params || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return nullptr;
  }
  return EvpPkeyPtr(key);
}

EvpMdCtxPtr CopyOf(const EvpMdCtxPtr& original) {
  EvpMdCtxPtr copy(EVP_MD_CTX_new());
  if (!copy || EVP_MD_CTX_copy_ex(copy.get(), original.get()) != 1) return nullptr;
  return copy;
}

Result<PrivateKey> MakePrivateKey(EvpPkeyPtr key) {
  const Bytes spki = EncodeDer<&i2d_PUBKEY>(key.get());
  if (spki.empty()) return OpenSslFailure(Code::kMalformed, "the private key has no public part");
  Result<PublicKey> public_key = PublicKey::FromSpki(spki);
  if (!public_key) return std::unexpected(std::move(public_key).error());
  auto impl = std::make_shared<PrivateKey::Impl>();
  impl->jws_signer.reset(EVP_MD_CTX_new());
  if (!impl->jws_signer ||
      EVP_DigestSignInit(impl->jws_signer.get(), nullptr, JwsDigest(public_key->kind()), nullptr,
                         key.get()) != 1) {
    return OpenSslFailure(Code::kInternal, "cannot make the key ready to sign");
  }
  impl->key = std::move(key);
  return PrivateKeyAccess::Make(std::move(impl), std::move(*public_key));
}

}  // namespace

std::string_view JwsAlgorithm(KeyKind kind) {
  switch (kind) {
    case KeyKind::kP256:
      return "ES256";
    case KeyKind::kP384:
      return "ES384";
    case KeyKind::kRsa:
      break;
  }
  return "RS256";
}

Result<PublicKey> PublicKey::FromSpki(ByteView der) {
  const Result<Spki> spki = ParseSpki(der);
  if (!spki) return std::unexpected(spki.error());
  EvpPkeyPtr key = MakeKey(*spki);
  if (!key) {
    return OpenSslFailure(Code::kMalformed, spki->kind == KeyKind::kRsa
                                                ? "OpenSSL refuses the RSA key"
                                                : "the EC key's point is not on its curve");
  }
  auto impl = std::make_shared<Impl>();
  impl->kind = spki->kind;
  impl->spki = ToBytes(der);
  impl->digest = Sha256(der);
  impl->description = Describe(*spki);
  impl->jws_verifier.reset(EVP_MD_CTX_new());
  if (!impl->jws_verifier || EVP_DigestVerifyInit(impl->jws_verifier.get(), nullptr,
                                                  JwsDigest(spki->kind), nullptr, key.get()) != 1) {
    return OpenSslFailure(Code::kInternal, "cannot make the key ready to verify");
  }
  impl->key = std::move(key);
  return PublicKeyAccess::Make(std::move(impl));
}

Result<PublicKey> PublicKey::FromP256(const std::array<std::uint8_t, 32>& x,
                                      const std::array<std::uint8_t, 32>& y) {
  return FromSpki(Writer().Raw(kP256Prefix).Raw(x).Raw(y).bytes());
}

KeyKind PublicKey::kind() const { return impl_->kind; }
const Bytes& PublicKey::spki() const { return impl_->spki; }
const Digest& PublicKey::digest() const { return impl_->digest; }
std::string PublicKey::Description() const { return impl_->description; }

std::array<std::uint8_t, 64> PublicKey::P256Coordinates() const {
  Check(kind() == KeyKind::kP256, "coordinates of a key that is not P-256");
  std::array<std::uint8_t, 64> out;
  std::ranges::copy(ByteView(spki()).last(out.size()), out.begin());
  return out;
}

bool PublicKey::VerifyJws(ByteView message, ByteView signature) const {
  const EvpMdCtxPtr context = CopyOf(impl_->jws_verifier);
  if (!context) return false;
  const auto verify = [&](ByteView encoded) {
    return EVP_DigestVerify(context.get(), encoded.data(), encoded.size(), message.data(),
                            message.size()) == 1;
  };
  bool valid = false;
  if (kind() == KeyKind::kRsa) {
    valid = verify(signature);  // OpenSSL compares its length with that of the modulus
  } else if (signature.size() == 2 * CoordinateLen(kind())) {
    valid = verify(EcdsaDer(signature).view());
  }
  if (!valid) ForgetOpenSslErrors();
  return valid;
}

Result<PrivateKey> PrivateKey::Generate(KeyKind kind) {
  EvpPkeyPtr key(kind == KeyKind::kRsa ? EVP_RSA_gen(2048)
                                       : EVP_EC_gen(kind == KeyKind::kP384 ? "P-384" : "P-256"));
  if (!key) return OpenSslFailure(Code::kInternal, "cannot make a key");
  return MakePrivateKey(std::move(key));
}

Result<PrivateKey> PrivateKey::FromPkcs8(const SecretBytes& der) {
  if (der.empty()) return Fail(Code::kMalformed, "the private key is empty");
  const std::uint8_t* at = der.view().data();
  EvpPkeyPtr key(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size())));
  if (!key) return OpenSslFailure(Code::kMalformed, "not a private key in DER");
  if (at != der.view().data() + der.size()) {
    return Fail(Code::kMalformed, "octets follow the end of the private key");
  }
  // First whether it is of an allowed kind: what it costs to check another is its maker's choice.
  Result<PrivateKey> result = MakePrivateKey(std::move(key));
  if (!result) return result;
  const EvpPkeyCtxPtr context(
      EVP_PKEY_CTX_new_from_pkey(nullptr, result->impl().key.get(), nullptr));
  if (!context || EVP_PKEY_check(context.get()) != 1) {
    return OpenSslFailure(Code::kMalformed, "the private key does not fit its public key");
  }
  return result;
}

SecretBytes PrivateKey::ToPkcs8(KeyExportToken) const {
  const Pkcs8Ptr info(EVP_PKEY2PKCS8(impl_->key.get()));
  Check(info != nullptr, "a private key cannot be encoded");
  SecretBytes der = EncodeSecretDer<&i2d_PKCS8_PRIV_KEY_INFO>(info.get());
  Check(!der.empty(), "a private key cannot be encoded");
  return der;
}

Result<Bytes> PrivateKey::SignJws(ByteView message) const {
  const EvpMdCtxPtr context = CopyOf(impl_->jws_signer);
  std::array<std::uint8_t, 512> signature;  // RSA of 4096 bits, the longest
  std::size_t len = signature.size();
  if (!context ||
      EVP_DigestSign(context.get(), signature.data(), &len, message.data(), message.size()) != 1) {
    return OpenSslFailure(Code::kInternal, "signing failed");
  }
  const ByteView made = ByteView(signature).first(len);
  if (public_key_.kind() == KeyKind::kRsa) return ToBytes(made);
  auto fixed = EcdsaFixedFromDer(made, CoordinateLen(public_key_.kind()));
  if (!fixed) return OpenSslFailure(Code::kInternal, "signing gave no ECDSA signature");
  return std::move(*fixed);
}

}  // namespace countersign::crypto
