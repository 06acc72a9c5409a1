#include "crypto/pkcs12_budget.h"

#include <algorithm>
#include <array>
#include <string>

#include "crypto/pkcs12.h"

namespace countersign::crypto {
namespace {

constexpr std::array kMacDigests = {NID_sha1, NID_sha224, NID_sha256, NID_sha384, NID_sha512};
constexpr std::array kPkcs12Encryptions = {
    NID_pbe_WithSHA1And3_Key_TripleDES_CBC, NID_pbe_WithSHA1And2_Key_TripleDES_CBC,
    NID_pbe_WithSHA1And40BitRC2_CBC, NID_pbe_WithSHA1And128BitRC2_CBC};
constexpr std::array kLegacyEncryptions = {NID_pbe_WithSHA1And40BitRC2_CBC,
                                           NID_pbe_WithSHA1And128BitRC2_CBC};
constexpr std::array kCiphers = {NID_aes_128_cbc, NID_aes_192_cbc, NID_aes_256_cbc,
                                 NID_des_ede3_cbc};

template <std::size_t N>
bool IsOneOf(const std::array<int, N>& nids, int nid) {
  return std::ranges::find(nids, nid) != nids.end();
}

int NidOf(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* object = nullptr;
  X509_ALGOR_get0(&object, nullptr, nullptr, algorithm);
  return OBJ_obj2nid(object);
}

std::unexpected<Error> Damaged() {
  return Fail(Code::kMalformed, "the PKCS#12 file is damaged: parameters of its encryption");
}

// Unpack decodes the parameters of an algorithm; null if they are not what they should be.
template <class Ptr>
Ptr Unpack(const X509_ALGOR* algorithm, const ASN1_ITEM* item) {
  int type = V_ASN1_UNDEF;
  const void* value = nullptr;
  X509_ALGOR_get0(nullptr, &type, &value, algorithm);
  if (type != V_ASN1_SEQUENCE) return nullptr;
  const auto* const packed = static_cast<const ASN1_STRING*>(value);
  return Ptr(static_cast<typename Ptr::pointer>(ASN1_item_unpack(packed, item)));
}

}  // namespace

std::unexpected<Error> Pkcs12Budget::Unsupported(std::string_view what, const X509_ALGOR* algorithm,
                                                 std::string_view why) {
  const ASN1_OBJECT* object = nullptr;
  X509_ALGOR_get0(&object, nullptr, nullptr, algorithm);
  std::array<char, 80> name{};
  OBJ_obj2txt(name.data(), static_cast<int>(name.size()), object, 0);
  return Fail(Code::kMalformed,
              "the PKCS#12 file uses the " + std::string(what) + " " + name.data() +
                  ", which is not supported" + (why.empty() ? "" : " (" + std::string(why) + ")") +
                  "; convert the file",
              kRewritePkcs12);
}

bool Pkcs12Budget::IsPbes2(const X509_ALGOR* algorithm) { return NidOf(algorithm) == NID_pbes2; }

bool Pkcs12Budget::IsLegacy(const X509_ALGOR* algorithm) {
  return IsOneOf(kLegacyEncryptions, NidOf(algorithm));
}

Status Pkcs12Budget::CountMac(const PKCS12* file) {
  const X509_ALGOR* digest = nullptr;
  const ASN1_INTEGER* iterations = nullptr;
  PKCS12_get0_mac(nullptr, &digest, nullptr, &iterations, file);
  if (!IsOneOf(kMacDigests, NidOf(digest))) return Unsupported("MAC", digest, "");
  if (iterations == nullptr) return {};  // RFC 7292 4: default 1, for historical reasons
  return Spend(iterations);
}

Status Pkcs12Budget::CountDecryption(const X509_ALGOR* algorithm) {
  const int nid = NidOf(algorithm);
  if (IsOneOf(kPkcs12Encryptions, nid)) {
    const auto parameters = Unpack<PbeParamPtr>(algorithm, ASN1_ITEM_rptr(PBEPARAM));
    if (!parameters) return Damaged();
    return Spend(parameters->iter);
  }
  if (nid != NID_pbes2) return Unsupported("encryption", algorithm, "");
  const auto scheme = Unpack<Pbe2ParamPtr>(algorithm, ASN1_ITEM_rptr(PBE2PARAM));
  if (!scheme) return Damaged();
  if (!IsOneOf(kCiphers, NidOf(scheme->encryption))) {
    return Unsupported("cipher", scheme->encryption, "");
  }
  // Anything else (scrypt) has costs of its own, memory among them, that this budget does not know.
  if (NidOf(scheme->keyfunc) != NID_id_pbkdf2)
    return Unsupported("key derivation", scheme->keyfunc, "");
  const auto derivation = Unpack<Pbkdf2ParamPtr>(scheme->keyfunc, ASN1_ITEM_rptr(PBKDF2PARAM));
  if (!derivation) return Damaged();
  return Spend(derivation->iter);
}

Status Pkcs12Budget::CountBag() {
  if (++bags_ > kPkcs12MaxBags) {
    return Fail(Code::kMalformed,
                "the PKCS#12 file has more than " + std::to_string(kPkcs12MaxBags) + " bags");
  }
  return {};
}

Status Pkcs12Budget::Spend(const ASN1_INTEGER* iterations) {
  std::uint64_t count = 0;
  if (ASN1_INTEGER_get_uint64(&count, iterations) != 1 ||
      count > kPkcs12MaxIterations - iterations_) {
    ForgetOpenSslErrors();
    return Fail(Code::kMalformed, "the PKCS#12 file asks for more than " +
                                      std::to_string(kPkcs12MaxIterations) + " iterations");
  }
  if (count == 0) return Damaged();
  iterations_ += count;
  return {};
}

}  // namespace countersign::crypto
