#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "crypto/certificate.h"
#include "crypto/keys.h"
#include "tests/support/seeded_random.h"

namespace countersign::testing {

// A key and a certificate for it.
struct Identity {
  crypto::PrivateKey key;
  crypto::Certificate certificate;
};

// 2026-01-01 and 2036-01-01: the validity of whatever a test leaves unsaid.
inline constexpr Instant kTestBegin{Seconds{1'767'225'600}};
inline constexpr Instant kTestEnd{Seconds{2'082'758'400}};

struct ServerOptions {
  std::vector<ServerId> server_ids = {};
  std::uint64_t generation = 1;
  Instant not_before = kTestBegin;
  Instant not_after = kTestEnd;
  std::string common_name = "OfficeScan Server NTSG";
};

// OddOptions makes certificates that IssueCertificate refuses to make. What is left out is absent.
struct OddOptions {
  std::string common_name = "odd";
  std::optional<std::string> dn_qualifier = {};  // as a PrintableString, whatever it says
  std::optional<bool> is_ca = {};                // basicConstraints, critical
  bool key_cert_sign = false;                    // a keyUsage that says just this
  std::optional<Bytes> authority_key_id = {};
  std::vector<std::string> uris = {};  // subjectAltName; without commas
  Instant not_before = kTestBegin;
  Instant not_after = kTestEnd;
};

// TestAuthority makes keys and certificates for tests. P-256 keys follow from the seed; signatures
// never do (ECDSA is randomised). Aborts where making fails: a test cannot go on without.
class TestAuthority {
 public:
  explicit TestAuthority(std::uint64_t seed = 1) : random_(seed) {}

  [[nodiscard]] crypto::PrivateKey MakeKey(crypto::KeyKind kind = crypto::KeyKind::kP256);
  [[nodiscard]] ServerId MakeServerId();
  [[nodiscard]] SeededRandom& random() { return random_; }

  [[nodiscard]] Identity MakeOwner(crypto::KeyKind kind = crypto::KeyKind::kP256);
  // MakeServer makes a new key and its server certificate.
  [[nodiscard]] Identity MakeServer(const Identity& owner, const ServerOptions& options);
  // IssueServer makes a server certificate for a key that is there already.
  [[nodiscard]] crypto::Certificate IssueServer(const Identity& owner, const crypto::PublicKey& key,
                                                const ServerOptions& options);
  // IssueSuccession certifies the key of `to` by that of `from`, which may be an imported identity.
  [[nodiscard]] crypto::Certificate IssueSuccession(const Identity& from, const Identity& to,
                                                    const std::vector<ServerId>& server_ids);
  // MakeImported makes a self-signed identity as it comes from elsewhere.
  [[nodiscard]] Identity MakeImported(crypto::KeyKind kind = crypto::KeyKind::kRsa,
                                      const OddOptions& options = {});
  // IssueOdd signs whatever is asked for.
  [[nodiscard]] crypto::Certificate IssueOdd(const OddOptions& options,
                                             const crypto::PublicKey& subject_key,
                                             const crypto::PrivateKey& issuer);

 private:
  crypto::Certificate Issue(crypto::CertificateRequest request, const crypto::PublicKey& key,
                            const crypto::PrivateKey& issuer,
                            const crypto::Certificate* issuer_name_from);
  SeededRandom random_;
};

}  // namespace countersign::testing
