#pragma once

#include <array>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace countersign::crypto {

// CertificateSummary is what can be told to a person about a certificate, also one that
// Certificate::Parse refuses. Never for a decision. Text is safe to print.
struct CertificateSummary {
  Digest thumbprint{};                  // SHA-256 of the DER
  std::array<std::uint8_t, 20> sha1{};  // its SHA-1 thumbprint, as Windows shows it
  Digest key_digest{};                  // SHA-256 of the SubjectPublicKeyInfo
  std::string subject;                  // as Certificate has them
  std::string serial;
  std::string key;        // "RSA 1024"; "unknown" if OpenSSL does not know it
  std::string signature;  // "sha1WithRSAEncryption"
};

// SummarizeCertificate returns nothing if OpenSSL sees no certificate, or over
// Certificate::kMaxLen.
[[nodiscard]] std::optional<CertificateSummary> SummarizeCertificate(ByteView der);

}  // namespace countersign::crypto
