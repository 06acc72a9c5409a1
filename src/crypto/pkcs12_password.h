#pragma once

// Private to crypto/.

#include <vector>

#include "base/secret.h"

namespace countersign::crypto {

// PasswordForm is a password as OpenSSL takes it. PKCS#12 tells an empty one, which ends in a zero,
// from none at all (RFC 7292 B.1).
struct PasswordForm {
  SecretBytes octets;
  bool none = false;
  [[nodiscard]] const char* text() const;  // null if `none`; lives as long as this
  [[nodiscard]] int len() const { return static_cast<int>(octets.size()); }
};

// A password of one file has several forms, because programs never agreed how letters outside
// ASCII become octets. At most 2 and 3; the most common first.

// Pkcs12Forms are for the derivation of PKCS#12 itself (MAC, encryption of old files), which turns
// them into a BMPString: as typed, and as OpenSSL 1.0 took UTF-8, octet by octet for Latin-1. For
// an empty password: empty and none.
[[nodiscard]] std::vector<PasswordForm> Pkcs12Forms(const SecretBytes& password);

// Pbkdf2Forms are for PBES2, which takes octets: as typed, as a BMPString (older NSS), and
// in the other one of UTF-8 and Latin-1.
[[nodiscard]] std::vector<PasswordForm> Pbkdf2Forms(const SecretBytes& password);

}  // namespace countersign::crypto
