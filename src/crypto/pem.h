#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "crypto/keys.h"

// Keys and certificates as text (RFC 7468), as administrators have them for a web host.
namespace countersign::crypto {

inline constexpr std::size_t kMaxPemLen = 128 * 1024;
inline constexpr std::size_t kMaxPemCertificates = 8;

// ParsePemCertificates returns the DER of each certificate in the text, in order; other blocks are
// left out. kMalformed: none, more than kMaxPemCertificates, or one that cannot be read.
[[nodiscard]] Result<std::vector<Bytes>> ParsePemCertificates(std::string_view text);
// ParsePemKey returns the first private key in the text. kMalformed: there is none, it needs a
// password, or it is of a kind that PublicKey does not allow.
[[nodiscard]] Result<PrivateKey> ParsePemKey(const SecretBytes& text);
// FormatPem writes the key (PKCS #8) and the certificates after it.
[[nodiscard]] Result<SecretBytes> FormatPem(const PrivateKey& key, std::span<const Bytes> chain,
                                            KeyExportToken token);

}  // namespace countersign::crypto
