#include <algorithm>
#include <utility>

#include "crypto/hash.h"
#include "server/issuing.h"
#include "server/server.h"
#include "server/standing.h"

// Replies to reports, and the proof of a newer generation (protocol section 6).
namespace countersign::server {
namespace {

constexpr Seconds kResendAfter = Seconds(60);
constexpr std::size_t kMaxOrdersLen = wire::kMaxReplyLen / 2;

// The chain of a stored bundle holds: every signature, and the anchor is an owner that this server
// knows. A certificate alone is checked under the owner certificates that the server has.
std::optional<crypto::Certificate> ShownCertificate(const wire::Report& report,
                                                    const IdentityBook& book) {
  std::vector<crypto::Certificate> chain;
  for (const Bytes& der : report.x5c) {
    auto certificate = crypto::Certificate::Parse(der);
    if (!certificate) return std::nullopt;
    chain.push_back(*std::move(certificate));
  }
  if (chain.empty() || chain.front().thumbprint() != report.held.thumbprint) return std::nullopt;
  for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
    if (!chain[i].IsSignedBy(chain[i + 1].key())) return std::nullopt;
  }
  if (chain.size() > 1) {
    if (!book.KnowsOwner(chain.back().key().digest())) return std::nullopt;
    return chain.front();
  }
  const bool known = std::any_of(
      book.entries().begin(), book.entries().end(),
      [&](const auto& entry) { return chain.front().IsSignedBy(entry.certificate.key()); });
  return known ? std::optional(chain.front()) : std::nullopt;
}

}  // namespace

// The server has been rewound (restored) if an agent proves to hold a newer certificate of this
// owner for this server than it knows of.
Status Server::TakeBundle(store::AgentRow& row, const wire::Report& report, Instant now) {
  if (report.x5c.empty() || report.held.generation <= book_.HighestGeneration()) return {};
  const auto shown = ShownCertificate(report, book_);
  if (!shown || !shown->generation() || *shown->generation() != report.held.generation ||
      !shown->Names(report.held.server) || !book_.IsOurs(report.held.server)) {
    return {};
  }
  row.held_known = true;
  row.held_thumbprint = shown->thumbprint();
  row.held_bundle.clear();
  for (const Bytes& der : report.x5c) {
    Writer writer;
    const Bytes one = writer.Prefixed(der).Take();
    row.held_bundle.insert(row.held_bundle.end(), one.begin(), one.end());
  }
  COUNTERSIGN_RETURN_IF_ERROR(world_.registry.PutMeta(
      "proved_generation", std::to_string(std::max(report.held.generation, std::uint64_t{1}))));
  return Event("server-rewound", &row.id,
               "agent " + row.host + " proved to hold generation " +
                   std::to_string(report.held.generation) +
                   ", newer than any that this server knows: it was restored from an older backup. "
                   "Run CertificateManager -c PASSWORD, or restore the later automatic backup",
               now);
}

Result<std::string> Server::MakeReply(store::AgentRow& row, const wire::Report& report, bool proved,
                                      const Nonce& nonce, Instant now) {
  // Chosen by what the report claims: it is signed by the agent, and a replayed one misleads only
  // the reply to itself.
  const auto signing = ChooseSigning(report.held.thumbprint, report.held.owner, report.held.server);
  if (!signing) {
    return Fail(Code::kRefused, "this server has no certificate", "CertificateManager -c PASSWORD");
  }
  const auto signer = SignerOf(*signing->entry);
  if (!signer) return std::unexpected(signer.error());
  wire::Reply reply{.x5t = signing->entry->certificate.thumbprint(),
                    .x5c = signing->bundle,
                    .iss = signing->iss,
                    .aud = report.iss,
                    .challenge = report.challenge,
                    .iat = static_cast<std::uint64_t>(ToUnix(now)),
                    .nonce = nonce,
                    .interval = static_cast<std::uint64_t>(config_.report_interval.count()),
                    .head = {},
                    .jump = row.jump == 0 ? std::nullopt : std::optional(row.jump),
                    .want_bundle = row.want_bundle,
                    .accepted = false,
                    .orders = {}};
  const bool may_command = proved && row.admitted && !row.cloned &&
                           (row.standing == kVerified || row.standing == kBehind);
  if (may_command) {
    auto orders = OrdersForReply(row, report, *signing, now);
    if (!orders) return std::unexpected(std::move(orders).error());
    reply.orders = *std::move(orders);
  }
  return wire::SignReply(reply, **signer);
}

Result<std::vector<std::string>> Server::OrdersForReply(const store::AgentRow& row,
                                                        const wire::Report& report,
                                                        const Signing& signing, Instant now) {
  auto open = world_.registry.OpenOrders(row.id, kMaxOrdersInReply);
  if (!open) return std::unexpected(std::move(open).error());
  std::vector<std::string> messages;
  std::size_t total_len = 0;
  for (auto& order : *open) {
    // One that was just sent is probably under way on another connection.
    if (!order.versions.empty() && now - order.versions.back().signed_at < kResendAfter) continue;
    const auto is_open = RefreshJti(order, now);
    if (!is_open) return std::unexpected(is_open.error());
    if (!*is_open) continue;
    auto message = SignVersion(order, row, signing, WithBundle::kNo, report.challenge, now);
    if (!message) return std::unexpected(std::move(message).error());
    total_len += message->size();
    if (total_len > kMaxOrdersLen) break;
    order.next_attempt = std::max(order.next_attempt, now + kRetryAfter);
    COUNTERSIGN_RETURN_IF_ERROR(world_.registry.PutOrder(order));
    messages.push_back(*std::move(message));
  }
  return messages;
}

}  // namespace countersign::server
