#include <algorithm>
#include <charconv>
#include <utility>

#include "base/encoding.h"
#include "server/history.h"
#include "server/issuing_internal.h"
#include "server/move.h"
#include "server/reminders.h"
#include "server/server.h"
#include "server/standing.h"
#include "server/unload.h"
#include "trust/rule_a.h"

// Replies to reports, and the proof of a newer generation (protocol section 6).
namespace countersign::server {
namespace {

constexpr Seconds kResendAfter = Seconds(60);
constexpr std::size_t kMaxOrdersLen = wire::kMaxReplyLen / 2;
// More than a reply carries: some are left out, and must not keep those behind them back.
constexpr std::size_t kOrdersLookedAt = 4 * Server::kMaxOrdersInReply;

std::uint64_t ParseNumber(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// A stored bundle shows a certificate if rule A holds for it and the present owner's key is in it:
// the certificate is issued by that owner, or by one that follows from it. (What leads to the
// present owner is not asked: an earlier owner's key may have been stolen since.)
bool BundleShows(const wire::Report& report, const crypto::Certificate& owner) {
  const auto carrier = crypto::Certificate::Parse(report.x5c.back());
  if (!carrier) return false;
  const trust::TrustState believes{.certificate = owner,
                                   .bundle = {},
                                   .owner = carrier->key().digest(),
                                   .server = report.held.server,
                                   .generation = 0,
                                   .highest = {{report.held.server, 0, Digest()}}};
  const auto accepted = trust::RuleA(believes, report.x5c, {});
  if (!accepted) return false;
  const auto& bundle = accepted->bundle;
  const bool has_owner = std::any_of(bundle.begin() + 1, bundle.end(),
                                     [&](const auto& one) { return one.key() == owner.key(); });
  return has_owner && bundle.front().thumbprint() == report.held.thumbprint &&
         bundle.front().generation() == report.held.generation &&
         accepted->owner() == report.held.owner;
}

// A certificate alone (after first trust) is checked under the present owner.
bool CertificateShows(const wire::Report& report, const crypto::Certificate& owner) {
  const auto shown = crypto::Certificate::Parse(report.x5c.front());
  if (!shown || shown->thumbprint() != report.held.thumbprint) return false;
  const auto identity = trust::IdentityOf(*shown);
  return identity && !identity->self_signed && identity->owner == owner.key().digest() &&
         shown->IsSignedBy(owner.key()) && identity->Names(report.held.server) &&
         identity->generation == report.held.generation && identity->owner == report.held.owner;
}

}  // namespace

// The server has been rewound (restored) if an agent proves to hold a newer certificate of this
// owner for this server than it knows of.
Status Server::TakeBundle(store::AgentRow& row, const wire::Report& report, Instant now) {
  const auto* const owner = book_.OwnerCertificate();
  if (report.x5c.empty() || owner == nullptr || !IsClaim(report.held)) return {};
  const bool shown =
      report.x5c.size() == 1 ? CertificateShows(report, *owner) : BundleShows(report, *owner);
  if (!shown) return {};
  row.held_known = true;
  row.held_thumbprint = report.held.thumbprint;
  row.held_owner = report.held.owner;
  row.held_bundle.clear();
  for (const Bytes& der : report.x5c) {
    Writer writer;
    const Bytes one = writer.Prefixed(der).Take();
    row.held_bundle.insert(row.held_bundle.end(), one.begin(), one.end());
  }
  return TellRewound(row, report.held.generation, now);
}

// Loudly, but once for each generation.
Status Server::TellRewound(const store::AgentRow& row, std::uint64_t generation, Instant now) {
  const auto before = world_.registry.GetMeta(kMetaProvedGeneration);
  if (!before) return std::unexpected(before.error());
  if (ParseNumber(before->value_or("")) >= generation) return {};
  // Of an owner that follows from the one known here: only its own backup has the key of that.
  const std::string owner = book_.KnowsOwner(row.held_owner) ? "" : HexLower(row.held_owner);
  COUNTERSIGN_RETURN_IF_ERROR(
      world_.registry.PutMeta(kMetaProvedGeneration, std::to_string(generation)));
  COUNTERSIGN_RETURN_IF_ERROR(world_.registry.PutMeta(kMetaLaterOwner, owner));
  const std::string text = "agent " + row.host + " proved to hold generation " +
                           std::to_string(generation) +
                           ", newer than the active certificate of this server: it was restored "
                           "from an older backup. Run " +
                           HowToCatchUp(owner);
  world_.log.Write(LogLevel::kError, text);
  return Event("server-rewound", &row.id, text, now);
}

Result<Server::ReplyDraft> Server::DraftReply(store::AgentRow& row, const wire::Report& report,
                                              bool proved, Orders orders_wanted, Instant now) {
  // Chosen by what the report claims: it is signed by the agent, and a replayed one misleads only
  // the reply to itself.
  const auto signing =
      ChooseSigning(row, {report.held.thumbprint, report.held.owner, report.held.server},
                    proved ? Offer::kMay : Offer::kNot, now);
  if (!signing) return std::unexpected(signing.error());
  const auto signer = SignerOf(*signing->entry);
  if (!signer) return std::unexpected(signer.error());
  const auto accepted = Accepts(row, report, now);
  if (!accepted) return std::unexpected(accepted.error());
  const auto head = HeadOf(world_.registry);
  if (!head) return std::unexpected(head.error());
  wire::Reply reply{.x5t = signing->entry->certificate.thumbprint(),
                    .x5c = signing->bundle,
                    .iss = signing->iss,
                    .aud = report.iss,
                    .challenge = report.challenge,
                    .iat = static_cast<std::uint64_t>(ToUnix(now)),
                    .nonce = {},
                    .interval = static_cast<std::uint64_t>(reach_.IntervalFor(row).count()),
                    .head = wire::FormatHistoryHead(*head),
                    .jump = row.jump == 0 ? std::nullopt : std::optional(row.jump),
                    .want_bundle = row.want_bundle,
                    .accepted = *accepted,
                    .orders = {}};
  reply.web = web_keys_;
  const bool may_command = proved && orders_wanted == Orders::kGiven && MayCommand(row) &&
                           (row.standing == kVerified || row.standing == kBehind ||
                            row.standing == kExposed || row.reason == kStray);
  if (may_command) {
    const bool private_way = report.pinned || (row.tls && AddressOf(row));
    if (private_way) COUNTERSIGN_RETURN_IF_ERROR(AskUnload(row, now));
    auto orders = OrdersForReply(row, report, *signing, now);
    if (!orders) return std::unexpected(std::move(orders).error());
    reply.orders = *std::move(orders);
  }
  const bool may_wait = proved && MayCommand(row);
  if (may_wait && waiting_.HasRoom(net::IpAddress::Parse(row.source).value_or(net::IpAddress()))) {
    reply.wait = static_cast<std::uint64_t>(reach_.WaitFor(row).count());
  }
  return ReplyDraft{std::move(reply), *signer};
}

// Of an agent that is admitted, was announced, or proves a token: it may come to stay.
Result<bool> Server::Accepts(const store::AgentRow& row, const wire::Report& report, Instant now) {
  if (!row.cloned && (row.arriving || (row.admitted && row.moved_to.empty()))) return true;
  if (!row.cloned && !row.moved_to.empty()) {
    const auto expected = FindExpected(world_.registry, row.id, now);
    if (!expected) return std::unexpected(expected.error());
    if (*expected && (*expected)->state != store::ExpectedState::kArrived) return true;
  }
  const auto token = FindProvedToken(report, now);
  if (!token) return std::unexpected(token.error());
  return token->has_value();
}

Result<std::vector<std::string>> Server::OrdersForReply(const store::AgentRow& row,
                                                        const wire::Report& report,
                                                        const Signing& signing, Instant now) {
  auto open = world_.registry.OpenOrders(row.id, kOrdersLookedAt);
  if (!open) return std::unexpected(std::move(open).error());
  std::vector<std::string> messages;
  std::size_t total_len = 0;
  std::size_t under_way = 0;
  for (auto& order : *open) {
    if (messages.size() + under_way >= kMaxOrdersInReply) break;
    if (order.act == kSetUnload && !report.pinned) continue;  // a secret, and somebody may read it
    // One that was just sent is probably under way on another connection.
    const auto signed_at = order.versions.empty() ? Instant() : order.versions.back().signed_at;
    if (signed_at <= now && now - signed_at < kResendAfter) {
      ++under_way;
      // While the agent waits here, it is told of it when the time is over.
      if (reach_.WaitFor(row) > Seconds(0) && order.next_attempt > signed_at + kResendAfter) {
        order.next_attempt = signed_at + kResendAfter;
        COUNTERSIGN_RETURN_IF_ERROR(world_.registry.PutOrder(order));
      }
      continue;
    }
    const auto is_open = RefreshJti(order, now);
    if (!is_open) return std::unexpected(is_open.error());
    if (!*is_open) continue;
    auto message = SignVersion(order, row, signing, WithBundle::kNo, report.challenge, now);
    if (!message) {
      // It does not keep the reply and the other orders back.
      world_.log.Write(LogLevel::kError, "order " + order.jti.Text() + " (" + order.act +
                                             ") is not sent to agent " + row.id.Text() + ": " +
                                             message.error().message);
      continue;
    }
    if (message->size() > wire::kMaxOrderLen) continue;  // only on its own: the server calls
    total_len += message->size();
    if (total_len > kMaxOrdersLen) break;
    order.next_attempt = std::max(order.next_attempt, now + kRetryAfter);
    COUNTERSIGN_RETURN_IF_ERROR(world_.registry.PutOrder(order));
    messages.push_back(*std::move(message));
  }
  return messages;
}

}  // namespace countersign::server
