#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/time.h"
#include "crypto/keys.h"

namespace countersign::crypto {

// Certificate is an X.509 v3 certificate that passed the checks of protocol section 2: allowed
// signature algorithm and key, DER without trailing bytes, no duplicate extension, no critical
// extension beyond basicConstraints, keyUsage, extendedKeyUsage, subject and authority key
// identifier and subjectAltName. It says nothing about who signed it or whether it is trusted.
// Immutable value, cheap to copy, safe to share between threads.
class Certificate {
 public:
  static constexpr std::size_t kMaxLen = 16 * 1024;

  // Parse reads one DER certificate; kMalformed names the rule that it breaks.
  [[nodiscard]] static Result<Certificate> Parse(ByteView der);

  [[nodiscard]] const Bytes& der() const;
  [[nodiscard]] const Digest& thumbprint() const;  // SHA-256 of der()
  [[nodiscard]] const PublicKey& key() const;
  // is_ca: basicConstraints CA:TRUE (absent counts as FALSE).
  [[nodiscard]] bool is_ca() const;
  // may_sign_certificates: is_ca() and a keyUsage with keyCertSign.
  [[nodiscard]] bool may_sign_certificates() const;
  // authority_key_id is the keyIdentifier if it is exactly 32 bytes, otherwise nothing.
  [[nodiscard]] const std::optional<Digest>& authority_key_id() const;
  [[nodiscard]] bool has_authority_key_id() const;  // of any length
  // generation is the subject's only dnQualifier, alone in its RDN, a PrintableString
  // [1-9][0-9]{0,15} ≤ 2^53-1; anything else counts as none.
  [[nodiscard]] const std::optional<std::uint64_t>& generation() const;
  // server_ids are the SAN URIs of the form urn:uuid:<lower-case UUID>, in order, others skipped.
  [[nodiscard]] const std::vector<ServerId>& server_ids() const;
  [[nodiscard]] bool Names(const ServerId& server) const;
  [[nodiscard]] Instant not_before() const;
  [[nodiscard]] Instant not_after() const;
  [[nodiscard]] const std::string& common_name()
      const;  // subject CN, escaped for printing; or empty
  [[nodiscard]] const std::string& subject()
      const;  // one line (RFC 2253 with UTF-8, controls escaped)
  [[nodiscard]] const std::string& issuer() const;
  [[nodiscard]] const std::string& serial()
      const;  // upper-case hex as `openssl x509 -serial` prints

  // IsSignedBy verifies the signature over the octets as they stood, with `key`, and that the
  // signature algorithm is one that the key's kind allows. Names and dates are not looked at.
  [[nodiscard]] bool IsSignedBy(const PublicKey& key) const;

  bool operator==(const Certificate& other) const { return der() == other.der(); }

 private:
  struct Impl;
  explicit Certificate(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// CertificateRequest says what IssueCertificate writes.
struct CertificateRequest {
  enum class Role { kServer, kOwner, kSuccession };
  Role role = Role::kServer;
  std::string common_name;                  // 1..64 octets UTF-8
  std::optional<std::uint64_t> generation;  // required for kServer
  std::vector<ServerId> server_ids;         // at least one for kServer and kSuccession
  Instant not_before;
  std::optional<Instant> not_after;  // none: 99991231235959Z
  std::array<std::uint8_t, 16>
      serial_random{};  // the top bit is cleared: 127 random bits; never zero
};

// IssueCertificate makes a certificate for `subject_key` signed by `issuer`. Extensions by role
// (protocol section 2): server = CA:FALSE, digitalSignature, subject key identifier, authority key
// identifier = issuer's key digest (32 bytes), server ids as SAN URIs; owner = self-signed CA:TRUE,
// keyCertSign, subject key identifier = its digest, no authority key identifier; succession =
// CA:TRUE, keyCertSign, both identifiers, server ids. Signature hash: SHA-256 (SHA-384 for P-384).
// `issuer_name_from`: the issuer's certificate whose subject becomes the issuer name; nullptr for a
// self-signed one.
[[nodiscard]] Result<Certificate> IssueCertificate(const CertificateRequest& request,
                                                   const PublicKey& subject_key,
                                                   const PrivateKey& issuer,
                                                   const Certificate* issuer_name_from);

}  // namespace countersign::crypto
