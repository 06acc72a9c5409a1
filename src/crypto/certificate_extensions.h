#pragma once

// Private to crypto/.

#include <optional>
#include <vector>

#include "base/ids.h"
#include "crypto/openssl_ptr.h"

namespace countersign::crypto {

// CertificateExtensions is what the extensions of protocol section 2 say.
struct CertificateExtensions {
  bool is_ca = false;
  bool may_sign_certificates = false;
  bool has_authority_key_id = false;
  std::optional<Digest> authority_key_id = {};
  std::vector<ServerId> server_ids = {};
};

// ParseExtensions refuses duplicates, unknown critical ones, and known ones that do not parse or
// have octets after their end.
[[nodiscard]] Result<CertificateExtensions> ParseExtensions(const X509* certificate);

}  // namespace countersign::crypto
