#pragma once

// Private to crypto/.

#include <optional>
#include <vector>

#include "base/error.h"
#include "crypto/openssl_ptr.h"
#include "crypto/pkcs12_budget.h"
#include "crypto/pkcs12_legacy.h"
#include "crypto/pkcs12_password.h"

namespace countersign::crypto {

// Pkcs12Opener tries the forms of one password on the parts of one file. The first form of each
// kind is what the survey of the file counted; each further try is counted by itself, before it is
// made. A form that opened one part is tried first on the next. Borrows the budget.
class Pkcs12Opener {
 public:
  Pkcs12Opener(const SecretBytes& password, Pkcs12Budget& budget);

  // CheckMac fails with kWrongPassword if the MAC of the file fits no form.
  [[nodiscard]] Status CheckMac(PKCS12* file);
  // OpenSafe and OpenKey decrypt; null if no form opens the part. An error: over the budget, or the
  // cipher is not there. REQUIRES: CheckMac succeeded, and the budget counted the part.
  [[nodiscard]] Result<SafeBagStackPtr> OpenSafe(const PKCS7* safe);
  [[nodiscard]] Result<Pkcs8Ptr> OpenKey(const PKCS12_SAFEBAG* bag);

 private:
  template <class Ptr>
  [[nodiscard]] Result<Ptr> Decrypt(const X509_ALGOR* algorithm, const ASN1_OCTET_STRING* data,
                                    const ASN1_ITEM* item);
  [[nodiscard]] Result<OSSL_LIB_CTX*> ContextFor(const X509_ALGOR* algorithm);

  Pkcs12Budget& budget_;
  std::vector<PasswordForm> pkcs12_forms_;
  std::vector<PasswordForm> pbkdf2_forms_;
  std::optional<LegacyCiphers> legacy_;  // loaded when the file asks for it
};

}  // namespace countersign::crypto
