#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "crypto/certificate.h"
#include "crypto/keys.h"

namespace countersign::testing {

// ForgedCertificate says, octet by octet where it matters, what a certificate holds that
// Certificate::Parse may well refuse. The defaults make a server certificate without identifiers.
struct ForgedCertificate {
  enum class Text { kPrintable, kUtf8, kIa5 };
  struct NameEntry {
    std::string attribute;  // OpenSSL's short or long name: "CN", "dnQualifier"
    std::string value;
    Text text = Text::kPrintable;
    bool in_previous_rdn = false;
  };
  struct Extension {
    std::string oid;  // dotted
    bool critical = false;
    Bytes der;
  };
  int version = 3;
  std::vector<NameEntry> subject = {{"CN", "forged"}};
  Instant not_before = FromUnix(1'767'225'600);  // 2026-01-01
  std::optional<Instant> not_after = {};         // none: 99991231235959Z
  std::optional<bool> is_ca = false;
  std::optional<std::string> key_usage = "digitalSignature";  // as openssl.cnf spells it
  std::optional<Bytes> authority_key_id = {};
  std::vector<std::string> uris = {};  // subjectAltName
  std::vector<Extension> more = {};    // last, duplicates and all
  std::string digest = "SHA256";
  Bytes after_the_end = {};
  std::optional<Bytes> spki = {};  // instead of the subject key's
  std::uint64_t serial = 1;
};

// Forge signs it and returns its DER. Aborts where making fails: a test cannot go on without.
[[nodiscard]] Bytes Forge(const ForgedCertificate& certificate,
                          const crypto::PublicKey& subject_key, const crypto::PrivateKey& issuer);

}  // namespace countersign::testing
