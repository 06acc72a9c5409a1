#include <algorithm>
#include <utility>

#include "crypto/hash.h"
#include "server/events.h"
#include "server/move.h"
#include "server/server.h"
#include "server/standing.h"
#include "server/unload.h"

// Orders that the server brings to agents (protocol section 5).
namespace countersign::server {
namespace {

constexpr std::size_t kMaxVersions = 16;

// The reason for which MayCommand says no, in the words of a standing.
std::string_view WhyNoOrders(const store::AgentRow& row) {
  if (!row.successor.is_nil()) return "reinstalled";
  if (row.standing == kMoved) return kMoved;
  return row.cloned ? "cloned" : "not-admitted";
}

bool IsOpen(const store::OrderRow& order) {
  return order.state == store::OrderState::kQueued || order.state == store::OrderState::kSent;
}

}  // namespace

Result<std::vector<Jti>> Server::AddOrders(const OrderRequest& request, Instant now) {
  std::vector<Jti> jtis;
  const auto added = world_.registry.Transact([&]() -> Status {
    for (const AgentId& agent : request.agents) {
      const auto row = world_.registry.FindAgent(agent);
      if (!row) return std::unexpected(row.error());
      if (!*row || (*row)->forgotten) {
        return Fail(Code::kNotFound, "no agent " + agent.Text() + " is registered",
                    "countersign agents list");
      }
      if (!MayCommand(**row)) {
        const std::string_view why = WhyNoOrders(**row);
        return Fail(
            Code::kRefused,
            "agent " + agent.Text() + " (" + (*row)->host + ") gets no orders: " + ReasonText(why),
            NextStep((*row)->standing, why, (*row)->id));
      }
      const auto order = NewOrder(agent, request.act, request.args, request.expires_after, now);
      const auto id = world_.registry.AddOrder(order);
      if (!id) return std::unexpected(id.error());
      jtis.push_back(order.jti);
    }
    if (!world_.by) return {};
    return RecordEvent(world_, {.id = 0,
                                .at = now,
                                .kind = "orders-given",
                                .agent = request.agents.size() == 1 ? request.agents[0].Text() : "",
                                .text = request.act + " to " + std::to_string(jtis.size()) +
                                        (jtis.size() == 1 ? " agent" : " agents")});
  });
  if (!added) return std::unexpected(added.error());
  return jtis;
}

store::OrderRow Server::NewOrder(const AgentId& agent, std::string act, std::string args,
                                 Seconds expires_after, Instant now) {
  store::OrderRow order;
  order.jti = world_.random.Token();
  order.agent = agent;
  order.act = std::move(act);
  order.args = std::move(args);
  if (world_.by) order.by = ActorText(*world_.by);
  order.created = now;
  order.jti_drawn = now;
  order.expires = now + expires_after;
  order.next_attempt = now;
  return order;
}

bool Server::IsCallable(const net::IpAddress& address, std::string_view report_source) const {
  switch (address.Classify()) {
    case net::AddressClass::kUnspecified:
    case net::AddressClass::kLinkLocal:
    case net::AddressClass::kMulticast:
      return false;
    case net::AddressClass::kLoopback:
      if (!call_networks_.Contains(address)) return false;
      break;
    case net::AddressClass::kOrdinary:
      break;
  }
  if (net::IpAddress::Parse(config_.listen) == address) return false;  // itself
  return address.Text() == report_source || call_networks_.Contains(address);
}

std::optional<net::IpAddress> Server::AddressOf(const store::AgentRow& row) const {
  if (row.port == 0 || reach_.IsInNetwork(row)) return std::nullopt;
  const auto source = net::IpAddress::Parse(row.source);
  if (source && IsCallable(*source, row.source)) return source;
  for (const std::string& text : row.addresses) {
    const auto address = net::IpAddress::Parse(text);
    if (address && IsCallable(*address, row.source)) return address;
  }
  return std::nullopt;
}

Result<std::vector<Call>> Server::DueCalls(Instant now, std::size_t limit,
                                           const std::set<AgentId>& busy) {
  std::vector<Call> calls;
  const auto claimed = world_.registry.Transact([&]() -> Status {
    auto due = world_.registry.DueOrders(now, limit);
    if (!due) return std::unexpected(std::move(due).error());
    for (auto& order : *due) {
      if (busy.contains(order.agent)) continue;
      const auto row = world_.registry.FindAgent(order.agent);
      if (!row) return std::unexpected(row.error());
      const auto is_open = RefreshJti(order, now);
      if (!is_open) return std::unexpected(is_open.error());
      if (!*is_open) continue;
      const bool may_call = *row && MayCommand(**row) && reach_.MayBeCalled(**row, now) &&
                            ((*row)->tls || order.act != kSetUnload);
      // One that waits here is answered, but for the call that finds out whether it can be called
      // again.
      const bool is_trial = may_call && (*row)->unreachable;
      const bool waits = waiting_.Contains(order.agent);
      // A secret is not put into a reply that was asked for over an open line: it is called.
      const bool gets_it = waits && order.act != kSetUnload;
      const auto address = may_call && (is_trial || !gets_it) ? AddressOf(**row) : std::nullopt;
      if (address && order.attempts < kMaxAttempts) {
        ++order.attempts;
        order.next_attempt = now + kRetryAfter;
        calls.push_back({.agent = order.agent,
                         .jti = order.jti,
                         .address = *address,
                         .port = (*row)->port,
                         .tls = (*row)->tls,
                         .key = crypto::Sha256((*row)->key)});
      } else {
        // Its report brings it: the one that waits here, if there is one.
        order.next_attempt = std::max(waits ? now : order.expires, now + kRetryAfter);
        waiting_.Tell(order.agent);
      }
      COUNTERSIGN_RETURN_IF_ERROR(world_.registry.PutOrder(order));
    }
    return {};
  });
  if (!claimed) return std::unexpected(claimed.error());
  return calls;
}

// What an earlier version queued may be unfit to be signed at all: it must not stand before others.
// One jti however often it is signed, and never later than a day after it was drawn. One that was
// never sent may draw a new one; of one that was, a person decides.
Result<bool> Server::RefreshJti(store::OrderRow& order, Instant now) {
  const bool never_sent = order.state == store::OrderState::kQueued && order.versions.empty();
  const auto good = never_sent ? wire::CheckOrder(order.act, order.args) : Status();
  if (!good) {
    world_.log.Write(LogLevel::kError,
                     "order " + order.jti.Text() + " (" + order.act +
                         ") can never be signed, and ends here: " + good.error().message);
  }
  const bool lapsed = order.expires <= now || !good;
  if (!lapsed && now - order.jti_drawn < kJtiLifetime) return true;
  if (!never_sent) {
    order.state = store::OrderState::kUnknown;
  } else if (lapsed) {
    order.state = store::OrderState::kLapsed;
    order.ended = now;
  } else {
    order.jti = world_.random.Token();
    order.jti_drawn = now;
  }
  const auto stored = world_.registry.PutOrder(order);
  if (!stored) return std::unexpected(stored.error());
  return never_sent && !lapsed;
}

Result<std::string> Server::SignVersion(store::OrderRow& order, const store::AgentRow& row,
                                        const Signing& signing, WithBundle with_bundle,
                                        std::string_view challenge, Instant now) {
  const auto signer = SignerOf(*signing.entry);
  if (!signer) return std::unexpected(signer.error());
  auto args = ArgsOfOrder(world_.registry, order);
  if (!args) return std::unexpected(std::move(args).error());
  const bool with_x5c = with_bundle == WithBundle::kYes && !signing.bundle.empty();
  if (with_x5c && order.act == kMoveAct) {
    return Fail(Code::kRefused, "it has to take the certificate over before it can be moved");
  }
  const wire::Order message{.x5t = signing.entry->certificate.thumbprint(),
                            .x5c = with_x5c ? signing.bundle : std::vector<Bytes>(),
                            .iss = signing.iss,
                            .aud = order.agent,
                            .jti = order.jti,
                            .iat = static_cast<std::uint64_t>(ToUnix(now)),
                            .challenge = std::string(challenge),
                            .act = order.act,
                            .args = *std::move(args)};
  auto text = wire::SignOrder(message, **signer);
  if (!text) return text;
  order.state = store::OrderState::kSent;
  order.versions.push_back({wire::HashOfOrder(*text), now, row.proved_seq, row.instance_epoch});
  if (order.versions.size() > kMaxVersions) order.versions.erase(order.versions.begin());
  return text;
}

Result<std::string> Server::SignCall(const Call& call, std::string_view challenge, Instant now) {
  Result<std::string> message = Fail(Code::kInternal, "not signed");
  const auto stored = world_.registry.Transact([&]() -> Status {
    auto found = world_.registry.FindOrder(call.jti);
    if (!found) return std::unexpected(std::move(found).error());
    const auto agent = world_.registry.FindAgent(call.agent);
    if (!agent) return std::unexpected(agent.error());
    std::optional<store::OrderRow> order = *std::move(found);
    const std::optional<store::AgentRow>& row = *agent;
    if (!order || !IsOpen(*order)) {
      return Fail(Code::kRefused, "order " + call.jti.Text() + " is not open any more");
    }
    if (!row || !MayCommand(*row)) {
      return Fail(Code::kRefused, "agent " + call.agent.Text() + " gets no orders any more");
    }
    if (order->act == kSetUnload && !call.is_private) {
      return Fail(Code::kRefused, "an unload password travels only over TLS");
    }
    const auto overtaken = BringsEarlierWish(world_.registry, *order, *row);
    if (!overtaken) return std::unexpected(overtaken.error());
    if (*overtaken) {
      return Fail(Code::kRefused, "another unload password is wished for the agent now");
    }
    if (order->expires <= now || now - order->jti_drawn >= kJtiLifetime) {
      return Fail(Code::kRefused, "order " + call.jti.Text() + " is too old to be signed");
    }
    const auto signing = ChooseSigning(
        *row, {row->held_thumbprint, row->held_owner, row->held_server}, Offer::kMay, now);
    if (!signing) return std::unexpected(signing.error());
    message = SignVersion(*order, *row, *signing, WithBundle::kYes, challenge, now);
    if (!message) return std::unexpected(message.error());
    return world_.registry.PutOrder(*order);
  });
  if (stored) return message;
  if (const auto loaded = LoadRollout(); !loaded) {
    world_.log.Write(LogLevel::kError, loaded.error().message);
  }
  return std::unexpected(stored.error());
}

void Server::CallFailed(const Call& call, std::string_view why, Instant now) {
  const auto noted = world_.registry.Transact([&]() -> Status {
    auto row = world_.registry.FindAgent(call.agent);
    if (!row || !*row) return row ? Status() : std::unexpected(std::move(row).error());
    ReachPolicy::TakeFailedCall(**row, now);
    return world_.registry.PutAgent(**row);
  });
  if (!noted) world_.log.Write(LogLevel::kError, noted.error().message);
  CallDropped(call, why, now);
}

void Server::CallDropped(const Call& call, std::string_view why, Instant now) {
  waiting_.Tell(call.agent);  // it may wait here
  auto found = world_.registry.FindOrder(call.jti);
  const auto order = found ? *std::move(found) : std::nullopt;
  std::string next;
  if (order && IsOpen(*order)) {
    next = "; next attempt " + FormatUtc(std::max(now, order->next_attempt));
  }
  world_.log.Write(LogLevel::kWarning, "call to agent " + call.agent.Text() + " at " +
                                           call.address.Text() + ":" + std::to_string(call.port) +
                                           " failed: " + std::string(why) + next);
}

}  // namespace countersign::server
