#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "crypto/keys.h"
#include "trust/verdict.h"
#include "wire/jws.h"

// Orders, receipts, reports and replies: octets ⇄ checked values (protocol sections 5, 6, 11).
// Every Parse* takes untrusted octets and checks size, form, closed member lists, canonical
// encodings and value ranges (step 1 of section 5): kMalformed with the reason otherwise. It
// verifies no signature. Every Sign* makes the compact serialisation with the key's plain algorithm
// and fails if the message breaks a limit. Values are plain data; all functions are pure and
// thread-safe.
namespace countersign::wire {

inline constexpr std::size_t kMaxOrderLen = 16 * 1024;
inline constexpr std::size_t kMaxOrderWithBundleLen = 64 * 1024;
inline constexpr std::size_t kMaxReceiptLen = 16 * 1024;
inline constexpr std::size_t kMaxReportLen = 16 * 1024;
inline constexpr std::size_t kMaxReportWithBundleLen = 64 * 1024;
inline constexpr std::size_t kMaxReplyLen = 256 * 1024;
inline constexpr std::size_t kMaxReplyOrders = 16;
inline constexpr std::size_t kMaxResultLen = 4'096;
inline constexpr std::size_t kMaxFailures = 48;
inline constexpr std::size_t kMaxWebKeys = 4;
inline constexpr std::uint64_t kMaxWait = 240;  // seconds
inline constexpr std::uint64_t kMaxInteger = (std::uint64_t{1} << 53) - 1;

// Held says which certificate an agent trusts.
struct Held {
  Digest thumbprint;
  std::uint64_t generation = 0;
  Digest owner;
  ServerId server;
  bool operator==(const Held&) const = default;
};

struct Order {
  Digest x5t;              // SHA-256 of the certificate that signs
  std::vector<Bytes> x5c;  // a bundle (DER), or empty
  ServerId iss;
  AgentId aud;
  Jti jti;
  std::uint64_t iat = 0;  // Unix seconds
  std::string challenge;  // any text; its form is judged in step 2
  std::string act;        // [a-z0-9-]{1,32}
  std::string args;       // a JSON object as serialised, or empty: absent
  bool operator==(const Order&) const = default;
};
struct SignedOrder {
  Envelope envelope;
  Order order;
};
[[nodiscard]] Result<SignedOrder> ParseOrder(std::string_view message);
// CheckOrder: whether an order with these can be signed at all, for any agent and without a bundle;
// kUsage says why not.
[[nodiscard]] Status CheckOrder(std::string_view act, std::string_view args);
// SignOrder and SignReply also refuse a challenge that is not 1..128 base64url characters.
[[nodiscard]] Result<std::string> SignOrder(const Order& order, const crypto::Signer& signer);

struct Receipt {
  AgentId iss;
  ServerId aud;
  std::optional<Jti> order;
  Digest oh;
  trust::Verdict verdict = trust::Verdict::kMalformed;
  struct Earlier {
    trust::Verdict verdict;
    std::string result;  // JSON object as serialised, or empty
    bool operator==(const Earlier&) const = default;
  };
  std::optional<Earlier> earlier;  // with kDoneBefore, and with no other verdict
  std::string result;              // JSON object as serialised, or empty
  Held held;
  std::uint64_t time = 0;
  std::uint64_t seq = 0;
  Instance instance;
  bool operator==(const Receipt&) const = default;
};
struct SignedReceipt {
  Envelope envelope;
  Receipt receipt;
};
[[nodiscard]] Result<SignedReceipt> ParseReceipt(std::string_view message);
[[nodiscard]] Result<std::string> SignReceipt(const Receipt& receipt, const crypto::Signer& signer);

// Failure::source of a refused reply: the agent's own server, whatever its address.
inline constexpr std::string_view kServerSource = "server";

struct Failure {
  trust::Verdict verdict = trust::Verdict::kMalformed;
  std::string source;  // an address, kServerSource, or "others"
  std::uint64_t count = 0;
  std::uint64_t first = 0;  // Unix seconds
  std::uint64_t last = 0;
  bool operator==(const Failure&) const = default;
};

struct Enrol {
  std::string token;  // its id: [A-Za-z0-9_-]{1,64}
  Digest proof{};
  bool operator==(const Enrol&) const = default;
};
// EnrolProof is HMAC-SHA-256 as section 11 lays it out. `secret`: the token's 32 octets.
[[nodiscard]] Digest EnrolProof(ByteView secret, const AgentId& agent, const ServerId& server,
                                std::string_view challenge);

struct Report {
  std::vector<Bytes> x5c;  // the stored bundle, or the certificate alone; only when it was wanted
  AgentId iss;
  ServerId aud;
  std::string challenge;
  std::optional<Nonce> echo;
  Held held;
  std::uint64_t time = 0;
  std::uint64_t seq = 0;
  Instance instance;
  std::string host;
  std::vector<std::string> addresses;
  std::uint64_t port = 0;
  std::string domain;
  std::string version;
  std::string platform;
  bool batch = false;
  std::vector<Failure> failures;
  std::optional<Enrol> enrol;
  bool tls = false;      // its listener speaks TLS
  bool pinned = false;   // came over HTTPS, to a web host whose key the agent knew
  bool leaving = false;  // to a server that the agent has left: `aud` is the one it has now
  bool operator==(const Report&) const = default;
};
struct SignedReport {
  Envelope envelope;
  crypto::PublicKey key;  // the header's `jwk`
  Report report;
};
// ParseReport also refuses a report whose `iss` is not the id of its `jwk`.
[[nodiscard]] Result<SignedReport> ParseReport(std::string_view message);
// REQUIRES: the signer's key is P-256.
[[nodiscard]] Result<std::string> SignReport(const Report& report, const crypto::Signer& signer);

struct Reply {
  Digest x5t;
  std::vector<Bytes> x5c;
  ServerId iss;
  AgentId aud;
  std::string challenge;
  std::uint64_t iat = 0;
  Nonce nonce;
  std::uint64_t interval = 0;  // seconds, 60..86,400
  std::string head;            // opaque to the agent, ≤ 255 octets, printable; may be empty
  std::optional<std::uint64_t> jump;
  bool want_bundle = false;         // `want` = "bundle"
  bool accepted = false;            // `accepted` = true
  std::vector<Digest> web = {};     // of the keys of the web host
  std::uint64_t wait = 0;           // seconds that a next report may wait for orders; 0: absent
  std::vector<std::string> orders;  // complete orders (compact)
  bool operator==(const Reply&) const = default;
};
struct SignedReply {
  Envelope envelope;
  Reply reply;
};
[[nodiscard]] Result<SignedReply> ParseReply(std::string_view message);
[[nodiscard]] Result<std::string> SignReply(const Reply& reply, const crypto::Signer& signer);

// ChallengeAnswer is the body of GET /countersign/v1/challenge: {"challenge":"…"}.
[[nodiscard]] std::string FormatChallengeAnswer(std::string_view challenge);
[[nodiscard]] Result<std::string> ParseChallengeAnswer(std::string_view body);

}  // namespace countersign::wire
