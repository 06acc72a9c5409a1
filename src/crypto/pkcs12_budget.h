#pragma once

// Private to crypto/.

#include <cstdint>

#include "base/error.h"
#include "crypto/openssl_ptr.h"

namespace countersign::crypto {

// Pkcs12Budget is what a PKCS#12 file may cost its reader (protocol section 2): iterations summed
// over the file, and bags. Everything is counted before it is done.
class Pkcs12Budget {
 public:
  // CountMac counts the iterations of a MAC with `digest`, and refuses one that cannot be checked.
  [[nodiscard]] Status CountMac(const X509_ALGOR* digest, const ASN1_INTEGER* iterations);
  // CountDecryption counts the iterations of a password-based encryption (PBES2 with PBKDF2 and AES
  // or 3DES, or PKCS#12's own with 3DES), and refuses any other by name.
  [[nodiscard]] Status CountDecryption(const X509_ALGOR* algorithm);
  [[nodiscard]] Status CountBag();

 private:
  [[nodiscard]] Status Spend(const ASN1_INTEGER* iterations);
  std::uint64_t iterations_ = 0;
  std::size_t bags_ = 0;
};

}  // namespace countersign::crypto
