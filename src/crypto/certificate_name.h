#pragma once

// Private to crypto/.

#include <cstdint>
#include <optional>
#include <string>

#include "crypto/openssl_ptr.h"

namespace countersign::crypto {

// PrintableName is the whole name on one line, RFC 2253 with UTF-8, controls escaped: safe to
// print.
[[nodiscard]] std::string PrintableName(const X509_NAME* name);
// PrintableCommonName is the first common name, escaped in the same way; empty if there is none.
[[nodiscard]] std::string PrintableCommonName(const X509_NAME* name);
// PrintableSerial is upper-case hex, as `openssl x509 -serial` prints it.
[[nodiscard]] std::string PrintableSerial(const ASN1_INTEGER* serial);
// PrintableKey names kind and size: "RSA 1024", "EC P-521", "DSA 2048", "ED25519"; "unknown" for
// null.
[[nodiscard]] std::string PrintableKey(const EVP_PKEY* key);
// GenerationOf reads the generation out of a subject (protocol section 2); anything but exactly one
// dnQualifier, alone in its RDN and of the right form, counts as none.
[[nodiscard]] std::optional<std::uint64_t> GenerationOf(const X509_NAME* subject);

// The largest generation, 2^53-1: what JSON numbers hold exactly.
inline constexpr std::uint64_t kMaxGeneration = (std::uint64_t{1} << 53) - 1;

}  // namespace countersign::crypto
