#pragma once

// Private to crypto/.

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "crypto/openssl_ptr.h"

namespace countersign::crypto {

// The command that writes OLD.p12 anew: bash or zsh. The key goes through a variable of the shell
// and pipes, never into a file or an argument; what reads a pipe reads it once, hence two.
inline constexpr char kRewritePkcs12[] =
    R"(pem=$(openssl pkcs12 -legacy -in OLD.p12 -noenc) && openssl pkcs12 -export )"
    R"(-inkey <(echo "$pem") -in <(echo "$pem") -out NEW.p12; unset pem)";

// Pkcs12Budget is what a PKCS#12 file may cost its reader (protocol section 2): iterations summed
// over the file, and bags. Everything is counted before it is done.
class Pkcs12Budget {
 public:
  // CountMac counts the iterations of the file's MAC, and refuses one that cannot be checked.
  // REQUIRES: the file has one.
  [[nodiscard]] Status CountMac(const PKCS12* file);
  // CountDecryption counts the iterations of a password-based encryption (PBES2 with PBKDF2 and AES
  // or 3DES, or PKCS#12's own with 3DES or RC2), and refuses any other by name.
  [[nodiscard]] Status CountDecryption(const X509_ALGOR* algorithm);
  [[nodiscard]] Status CountBag();

  // IsPbes2: the password goes into PBKDF2 and not into the derivation of PKCS#12 itself.
  [[nodiscard]] static bool IsPbes2(const X509_ALGOR* algorithm);
  // IsLegacy: OpenSSL has the cipher in its legacy provider only.
  [[nodiscard]] static bool IsLegacy(const X509_ALGOR* algorithm);
  // Unsupported names the algorithm, and the command that converts the file. `why` may be empty.
  [[nodiscard]] static std::unexpected<Error> Unsupported(std::string_view what,
                                                          const X509_ALGOR* algorithm,
                                                          std::string_view why);

 private:
  [[nodiscard]] Status Spend(const ASN1_INTEGER* iterations);
  std::uint64_t iterations_ = 0;
  std::size_t bags_ = 0;
};

}  // namespace countersign::crypto
