#pragma once

#include <boost/json/object.hpp>
#include <filesystem>

#include "crypto/certificate.h"

namespace countersign::cli {

// ParseAnyCertificate reads one certificate as people have it: DER (OfcNTCer.dat, .cer) or PEM with
// whatever text around it; of several in a PEM, the first. kMalformed says what was found instead,
// or the rule of protocol section 2 that the certificate breaks.
[[nodiscard]] Result<crypto::Certificate> ParseAnyCertificate(ByteView content);

// ReadAnyCertificate is the same for a file of at most kMaxCertificateFileLen octets.
inline constexpr std::size_t kMaxCertificateFileLen = 256UL * 1024;
[[nodiscard]] Result<crypto::Certificate> ReadAnyCertificate(const std::filesystem::path& path);

// CertificateFields: what a certificate says by itself, in the members of the server's
// CertificateJson, and key_sha256, self_signed, is_ca.
[[nodiscard]] boost::json::object CertificateFields(const crypto::Certificate& certificate);

}  // namespace countersign::cli
