#include <openssl/asn1err.h>
#include <openssl/err.h>

#include <string>
#include <utility>
#include <vector>

#include "crypto/certificate_name.h"
#include "crypto/hash.h"
#include "crypto/openssl_ptr.h"
#include "crypto/pkcs12.h"
#include "crypto/pkcs12_budget.h"
#include "crypto/pkcs12_open.h"

namespace countersign::crypto {
namespace {

using BagStack = STACK_OF(PKCS12_SAFEBAG);

std::unexpected<Error> Damaged(std::string_view what) {
  return OpenSslFailure(Code::kMalformed, "the PKCS#12 file is damaged: " + std::string(what));
}

Pkcs12Contents::RejectedKey Describe(const PKCS8_PRIV_KEY_INFO* info, std::string name,
                                     std::string reason) {
  const EvpPkeyPtr key(EVP_PKCS82PKEY(info));
  Pkcs12Contents::RejectedKey rejected{.kind = PrintableKey(key.get()),
                                       .digest = Sha256(EncodeDer<&i2d_PUBKEY>(key.get())),
                                       .friendly_name = std::move(name),
                                       .reason = std::move(reason)};
  ForgetOpenSslErrors();
  return rejected;
}

// What the file's outermost length says (X.690 8.1.3), to tell a file that was cut off from one of
// another kind.
bool IsCutOff(ByteView file) {
  const unsigned char* at = file.data();
  long len = 0;
  int tag = 0;
  int tag_class = 0;
  const int form = ASN1_get_object(&at, &len, &tag, &tag_class, static_cast<long>(file.size()));
  const bool too_long = ERR_GET_REASON(ERR_peek_last_error()) == ASN1_R_TOO_LONG;
  ForgetOpenSslErrors();
  return (form & 0x80) != 0 && too_long && tag == V_ASN1_SEQUENCE;
}

// Pkcs12Reader goes through one file, from outside to inside. Each step first counts what it will
// cost.
class Pkcs12Reader {
 public:
  Pkcs12Reader(Pkcs12Ptr file, const SecretBytes& password)
      : file_(std::move(file)), opener_(password, budget_) {}
  Pkcs12Reader(const Pkcs12Reader&) = delete;
  Pkcs12Reader& operator=(const Pkcs12Reader&) = delete;
  [[nodiscard]] Result<Pkcs12Contents> Read();

 private:
  [[nodiscard]] Status SurveyMac();
  [[nodiscard]] Status SurveySafe(PKCS7* safe);
  [[nodiscard]] Status SurveyBags(const BagStack* bags);
  [[nodiscard]] Status Decrypt();
  [[nodiscard]] Status CollectBags(const BagStack* bags);
  [[nodiscard]] Status CollectBag(PKCS12_SAFEBAG* bag);
  [[nodiscard]] Status CollectCertificate(const PKCS12_SAFEBAG* bag, std::string name);
  void CollectKey(const PKCS8_PRIV_KEY_INFO* info, std::string name);
  void CollectSecret(const PKCS12_SAFEBAG* bag, std::string name);

  Pkcs12Ptr file_;
  Pkcs12Budget budget_;
  Pkcs7StackPtr safes_;
  std::vector<SafeBagStackPtr> opened_;  // one for each safe, in order; null while encrypted
  Pkcs12Opener opener_;
  Pkcs12Contents contents_;
};

Result<Pkcs12Contents> Pkcs12Reader::Read() {
  COUNTERSIGN_RETURN_IF_ERROR(SurveyMac());
  safes_.reset(PKCS12_unpack_authsafes(file_.get()));
  if (!safes_) return Damaged("its safes");
  if (static_cast<std::size_t>(sk_PKCS7_num(safes_.get())) > kPkcs12MaxBags) {
    return Fail(Code::kMalformed, "the PKCS#12 file has too many safes");
  }
  for (int i = 0; i < sk_PKCS7_num(safes_.get()); ++i) {
    COUNTERSIGN_RETURN_IF_ERROR(SurveySafe(sk_PKCS7_value(safes_.get(), i)));
  }
  COUNTERSIGN_RETURN_IF_ERROR(opener_.CheckMac(file_.get()));
  COUNTERSIGN_RETURN_IF_ERROR(Decrypt());
  for (const SafeBagStackPtr& bags : opened_) {
    COUNTERSIGN_RETURN_IF_ERROR(CollectBags(bags.get()));
  }
  return std::move(contents_);
}

Status Pkcs12Reader::SurveyMac() {
  if (PKCS12_mac_present(file_.get()) != 1) {
    return Fail(Code::kMalformed,
                "the PKCS#12 file has no MAC, so nothing says that it is what was written; if you "
                "made it yourself, write it anew",
                kRewritePkcs12);
  }
  return budget_.CountMac(file_.get());
}

Status Pkcs12Reader::SurveySafe(PKCS7* safe) {
  if (PKCS7_type_is_data(safe)) {
    opened_.emplace_back(PKCS12_unpack_p7data(safe));
    if (!opened_.back()) return Damaged("a safe");
    return SurveyBags(opened_.back().get());
  }
  if (!PKCS7_type_is_encrypted(safe) || safe->d.encrypted == nullptr ||
      safe->d.encrypted->enc_data == nullptr) {
    return Damaged("a safe is neither plain nor encrypted by password");
  }
  opened_.emplace_back(nullptr);
  return budget_.CountDecryption(safe->d.encrypted->enc_data->algorithm);
}

// Recursion is bounded by the number of bags.
Status Pkcs12Reader::SurveyBags(const BagStack* bags) {
  for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); ++i) {
    COUNTERSIGN_RETURN_IF_ERROR(budget_.CountBag());
    const PKCS12_SAFEBAG* const bag = sk_PKCS12_SAFEBAG_value(bags, i);
    if (const X509_SIG* const shrouded = PKCS12_SAFEBAG_get0_pkcs8(bag)) {
      const X509_ALGOR* algorithm = nullptr;
      X509_SIG_get0(shrouded, &algorithm, nullptr);
      COUNTERSIGN_RETURN_IF_ERROR(budget_.CountDecryption(algorithm));
    } else if (const BagStack* const nested = PKCS12_SAFEBAG_get0_safes(bag)) {
      COUNTERSIGN_RETURN_IF_ERROR(SurveyBags(nested));
    }
  }
  return {};
}

Status Pkcs12Reader::Decrypt() {
  for (std::size_t i = 0; i < opened_.size(); ++i) {
    if (opened_[i]) continue;
    auto opened = opener_.OpenSafe(sk_PKCS7_value(safes_.get(), static_cast<int>(i)));
    if (!opened) return std::unexpected(std::move(opened).error());
    opened_[i] = *std::move(opened);
    if (!opened_[i]) return Damaged("a safe does not open with the password that fits its MAC");
    COUNTERSIGN_RETURN_IF_ERROR(SurveyBags(opened_[i].get()));
  }
  return {};
}

Status Pkcs12Reader::CollectBags(const BagStack* bags) {
  for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); ++i) {
    COUNTERSIGN_RETURN_IF_ERROR(CollectBag(sk_PKCS12_SAFEBAG_value(bags, i)));
  }
  return {};
}

Status Pkcs12Reader::CollectBag(PKCS12_SAFEBAG* bag) {
  const TextPtr friendly_name(PKCS12_get_friendlyname(bag));
  std::string name = friendly_name ? friendly_name.get() : "";
  switch (PKCS12_SAFEBAG_get_nid(bag)) {
    case NID_keyBag:
      CollectKey(PKCS12_SAFEBAG_get0_p8inf(bag), std::move(name));
      return {};
    case NID_pkcs8ShroudedKeyBag: {
      const auto info = opener_.OpenKey(bag);
      if (!info) return std::unexpected(info.error());
      if (!*info) return Damaged("a key does not open with the password that fits its MAC");
      CollectKey(info->get(), std::move(name));
      return {};
    }
    case NID_certBag:
      return CollectCertificate(bag, std::move(name));
    case NID_secretBag:
      CollectSecret(bag, std::move(name));
      return {};
    case NID_safeContentsBag:
      return CollectBags(PKCS12_SAFEBAG_get0_safes(bag));
    default:
      return {};  // revocation lists and what others may have invented
  }
}

Status Pkcs12Reader::CollectCertificate(const PKCS12_SAFEBAG* bag, std::string name) {
  if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate) return {};
  const X509Ptr certificate(PKCS12_SAFEBAG_get1_cert(bag));
  if (!certificate) return Damaged("a certificate");
  contents_.certificates.push_back(
      {.der = EncodeDer<&i2d_X509>(certificate.get()), .friendly_name = std::move(name)});
  return {};
}

void Pkcs12Reader::CollectKey(const PKCS8_PRIV_KEY_INFO* info, std::string name) {
  Result<PrivateKey> key = PrivateKey::FromPkcs8(EncodeSecretDer<&i2d_PKCS8_PRIV_KEY_INFO>(info));
  if (key) {
    contents_.keys.push_back({.key = std::move(*key), .friendly_name = std::move(name)});
  } else {
    contents_.rejected_keys.push_back(Describe(info, std::move(name), key.error().message));
  }
}

void Pkcs12Reader::CollectSecret(const PKCS12_SAFEBAG* bag, std::string name) {
  const ASN1_TYPE* const value = PKCS12_SAFEBAG_get0_bag_obj(bag);
  if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_pkcs7_data || value == nullptr ||
      value->type != V_ASN1_OCTET_STRING) {
    return;  // somebody else's
  }
  const ASN1_OCTET_STRING* const data = value->value.octet_string;
  contents_.secrets.push_back(
      {.friendly_name = std::move(name),
       .data = ToBytes(ByteView(ASN1_STRING_get0_data(data),
                                static_cast<std::size_t>(ASN1_STRING_length(data))))});
}

}  // namespace

Result<Pkcs12Contents> ReadPkcs12(ByteView file, const SecretBytes& password) {
  if (file.size() > kPkcs12MaxLen) {
    return Fail(Code::kMalformed, "the PKCS#12 file is larger than 1 MiB");
  }
  Pkcs12Ptr parsed = DecodeDer<Pkcs12Ptr, &d2i_PKCS12>(file);
  if (!parsed && IsCutOff(file)) {
    return Fail(Code::kMalformed, "the PKCS#12 file is cut off: it has " +
                                      std::to_string(file.size()) +
                                      " octets, and begins like one that has more; copy it again");
  }
  if (!parsed) return OpenSslFailure(Code::kMalformed, "not a PKCS#12 file");
  return Pkcs12Reader(std::move(parsed), password).Read();
}

}  // namespace countersign::crypto
