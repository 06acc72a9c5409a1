#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "crypto/certificate.h"

namespace countersign::crypto {

// TlsCertificateRequest says what MakeTlsCertificate writes.
struct TlsCertificateRequest {
  std::string common_name;         // 1..64 octets of printable UTF-8
  std::vector<std::string> hosts;  // names and addresses that it is for
  Instant not_before;
  std::optional<Instant> not_after = {};         // none: 99991231235959Z
  std::array<std::uint8_t, 16> serial_random{};  // as in CertificateRequest
};

// MakeTlsCertificate makes a self-signed certificate for a TLS server: CA:FALSE, digitalSignature,
// serverAuth, `hosts` as DNS names and addresses. kUsage: a request that X.509 cannot express.
[[nodiscard]] Result<Certificate> MakeTlsCertificate(const TlsCertificateRequest& request,
                                                     const PrivateKey& key);

// NamesHost tells whether a client that looks for `host` (a name or an address) would take the
// certificate for it (RFC 6125; the common name does not count).
[[nodiscard]] bool NamesHost(const Certificate& certificate, const std::string& host);

}  // namespace countersign::crypto
