#include "crypto/pkcs12_open.h"

#include <algorithm>
#include <utility>

namespace countersign::crypto {
namespace {

// The form that fitted goes to the front.
void Prefer(std::vector<PasswordForm>& forms, std::size_t fitted) {
  const auto begin = forms.begin();
  std::rotate(begin, begin + static_cast<std::ptrdiff_t>(fitted),
              begin + static_cast<std::ptrdiff_t>(fitted) + 1);
}

}  // namespace

Pkcs12Opener::Pkcs12Opener(const SecretBytes& password, Pkcs12Budget& budget)
    : budget_(budget), pkcs12_forms_(Pkcs12Forms(password)), pbkdf2_forms_(Pbkdf2Forms(password)) {}

Status Pkcs12Opener::CheckMac(PKCS12* file) {
  for (std::size_t i = 0; i < pkcs12_forms_.size(); ++i) {
    if (i > 0) COUNTERSIGN_RETURN_IF_ERROR(budget_.CountMac(file));
    if (PKCS12_verify_mac(file, pkcs12_forms_[i].text(), pkcs12_forms_[i].len()) == 1) {
      Prefer(pkcs12_forms_, i);
      return {};
    }
  }
  ForgetOpenSslErrors();
  return Fail(Code::kWrongPassword, "the password does not open the PKCS#12 file");
}

Result<SafeBagStackPtr> Pkcs12Opener::OpenSafe(const PKCS7* safe) {
  const PKCS7_ENC_CONTENT* const content = safe->d.encrypted->enc_data;
  if (content->enc_data == nullptr) return SafeBagStackPtr();
  return Decrypt<SafeBagStackPtr>(content->algorithm, content->enc_data,
                                  ASN1_ITEM_rptr(PKCS12_SAFEBAGS));
}

Result<Pkcs8Ptr> Pkcs12Opener::OpenKey(const PKCS12_SAFEBAG* bag) {
  const X509_ALGOR* algorithm = nullptr;
  const ASN1_OCTET_STRING* data = nullptr;
  X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &algorithm, &data);
  return Decrypt<Pkcs8Ptr>(algorithm, data, ASN1_ITEM_rptr(PKCS8_PRIV_KEY_INFO));
}

template <class Ptr>
Result<Ptr> Pkcs12Opener::Decrypt(const X509_ALGOR* algorithm, const ASN1_OCTET_STRING* data,
                                  const ASN1_ITEM* item) {
  const auto context = ContextFor(algorithm);
  if (!context) return std::unexpected(context.error());
  auto& forms = Pkcs12Budget::IsPbes2(algorithm) ? pbkdf2_forms_ : pkcs12_forms_;
  for (std::size_t i = 0; i < forms.size(); ++i) {
    if (i > 0) COUNTERSIGN_RETURN_IF_ERROR(budget_.CountDecryption(algorithm));
    // A wrong key shows in the padding, or in what should be ASN.1. The plain text is wiped (1).
    Ptr opened(static_cast<typename Ptr::pointer>(PKCS12_item_decrypt_d2i_ex(
        algorithm, item, forms[i].text(), forms[i].len(), data, 1, *context, nullptr)));
    if (!opened) continue;
    ForgetOpenSslErrors();
    Prefer(forms, i);
    return opened;
  }
  return Ptr();
}

Result<OSSL_LIB_CTX*> Pkcs12Opener::ContextFor(const X509_ALGOR* algorithm) {
  if (!Pkcs12Budget::IsLegacy(algorithm)) return nullptr;
  if (!legacy_) {
    auto loaded = LoadLegacyCiphers();
    if (!loaded) return Pkcs12Budget::Unsupported("encryption", algorithm, loaded.error().message);
    legacy_ = *std::move(loaded);
  }
  return legacy_->context.get();
}

}  // namespace countersign::crypto
