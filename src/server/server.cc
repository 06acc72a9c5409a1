#include "server/server.h"

#include <algorithm>
#include <utility>

#include "server/events.h"
#include "server/issuing.h"
#include "server/move.h"
#include "server/next_steps.h"
#include "server/reminders.h"
#include "server/rollout.h"
#include "server/standing.h"

namespace countersign::server {
namespace {

// Until when this server served, about.
constexpr std::string_view kMetaServedUntil = "served-until";
// ServedTime::Format.
constexpr std::string_view kMetaServedTime = "served-time";
constexpr Seconds kServingNoted = std::chrono::minutes(1);

}  // namespace

Result<Server> Server::Create(World world, store::ServerConfig config) {
  auto book = IdentityBook::Load(world.registry);
  if (!book) return std::unexpected(std::move(book).error());
  auto networks = net::NetworkSet::Parse(config.call_networks);
  if (!networks) return std::unexpected(std::move(networks).error());
  if (book->Active() == nullptr) {
    world.log.Write(LogLevel::kError,
                    "this server has no certificate: agents are not served; run " +
                        std::string(kReplaceCommand));
  }
  auto unreachable = net::NetworkSet::Parse(config.unreachable_networks);
  if (!unreachable) return WithContext("unreachable_networks", std::move(unreachable).error());
  Server server(world, {}, *std::move(book));
  server.set_config(std::move(config), *std::move(networks), *std::move(unreachable));
  COUNTERSIGN_RETURN_IF_ERROR(server.LoadServedTime());
  COUNTERSIGN_RETURN_IF_ERROR(server.LoadRollout());
  return server;
}

void Server::set_config(store::ServerConfig config, net::NetworkSet call_networks,
                        net::NetworkSet unreachable_networks) {
  config_ = std::move(config);
  call_networks_ = std::move(call_networks);
  reach_ = ReachPolicy(config_, std::move(unreachable_networks), reach_.served());
  waiting_.SetLimits(config_.max_waiting, config_.max_waiting_per_source);
}

Status Server::Reload(Instant now) {
  rollout_.reset();  // nothing is offered by what may be over
  auto book = IdentityBook::Load(world_.registry);
  if (!book) return std::unexpected(std::move(book).error());
  const auto active_of = [](const IdentityBook& of) {
    return of.Active() == nullptr ? Digest() : of.Active()->certificate.thumbprint();
  };
  const bool is_other = active_of(*book) != active_of(book_);
  book_ = *std::move(book);
  COUNTERSIGN_RETURN_IF_ERROR(LoadRollout());
  if (is_other) waiting_.TellAll();
  store::AgentQuery query{.standings = {}, .after = std::nullopt, .limit = 1'000};
  for (;;) {
    auto rows = world_.registry.ListAgents(query);
    if (!rows) return std::unexpected(std::move(rows).error());
    if (rows->empty()) return {};
    query.after = rows->back().id;
    const auto judged = world_.registry.Transact([&]() -> Status {
      for (auto& row : *rows) {
        const auto before = row;
        if (is_other) row.last_refusal.clear();  // of what is not offered any more
        COUNTERSIGN_RETURN_IF_ERROR(Rejudge(row, now));
        if (row == before) continue;
        COUNTERSIGN_RETURN_IF_ERROR(world_.registry.PutAgent(row));
      }
      return {};
    });
    if (!judged) return judged;
  }
}

Status Server::Rejudge(store::AgentRow& row, Instant now) {
  const Standing standing = StandingOf(row, book_);
  if (standing.standing == row.standing && standing.reason == row.reason) return {};
  const bool is_news = !row.standing.empty() && standing.standing != row.standing;
  row.standing = standing.standing;
  row.reason = standing.reason;
  row.standing_since = now;
  if (!is_news || standing.standing != kMismatched) return {};
  return EventOf(row, "agent-mismatched", row.host + ": " + ReasonText(row.reason), now);
}

Status Server::EventOf(const store::AgentRow& row, std::string_view kind, std::string text,
                       Instant now) {
  const auto left_out = events_.Take(kind, row.id, now);
  if (!left_out) return {};
  if (*left_out > 0) {
    text += " (" + std::to_string(*left_out) + " more since the last event of this kind)";
  }
  return Event(kind, &row.id, std::move(text), now);
}

Status Server::Event(std::string_view kind, const AgentId* agent, std::string text, Instant now) {
  world_.log.Write(LogLevel::kInfo, std::string(kind) + ": " + text);
  return RecordEvent(world_, {.id = 0,
                              .at = now,
                              .kind = std::string(kind),
                              .agent = agent == nullptr ? "" : agent->Text(),
                              .text = std::move(text)});
}

Result<std::shared_ptr<const crypto::Signer>> Server::SignerOf(
    const IdentityBook::Entry& entry) const {
  auto signer = world_.ring.Find(entry.certificate.key().digest());
  if (signer) return signer;
  return Fail(signer.error().code,
              "the private key of the active certificate " + entry.certificate.serial() +
                  " is not in the key ring: " + signer.error().message,
              std::string(kReplaceCommand));
}

Status Server::LoadServedTime() {
  const auto text = world_.registry.GetMeta(kMetaServedTime);
  if (!text) return std::unexpected(text.error());
  if (!*text) return {};
  auto served = ServedTime::Parse(**text);
  if (!served) {
    world_.log.Write(LogLevel::kError,
                     "what the registry says of when this server ran is damaged: agents are shown "
                     "as offline until they report");
  }
  reach_.set_served(std::move(served).value_or(ServedTime()));
  return {};
}

// While the server did not run, no agent could be heard: that is no silence of theirs.
void Server::KeepServing(Instant now) {
  const bool is_start = served_until_ == Instant();
  if (!is_start && now - served_until_ < kServingNoted && served_until_ <= now) return;
  ServedTime served = reach_.served();
  const auto noted = world_.registry.Transact([&] { return NoteServing(served, is_start, now); });
  if (!noted) return world_.log.Write(LogLevel::kError, noted.error().message);
  reach_.set_served(std::move(served));
  served_until_ = now;
}

Status Server::NoteServing(ServedTime& served, bool is_start, Instant now) {
  if (is_start) {
    const auto text = world_.registry.GetMeta(kMetaServedUntil);
    if (!text) return std::unexpected(text.error());
    served.AddStop(ParseUtc(text->value_or("")).value_or(now), now);
    COUNTERSIGN_RETURN_IF_ERROR(world_.registry.PutMeta(kMetaServedTime, served.Format()));
  }
  return world_.registry.PutMeta(kMetaServedUntil, FormatUtc(now));
}

void Server::Tick(Instant now) {
  KeepServing(now);
  const auto lapsed = world_.registry.LapseOrders(now);
  if (!lapsed) world_.log.Write(LogLevel::kError, lapsed.error().message);
  const auto dropped = world_.registry.DropSilentUnadmitted(now - kUnadmittedKept);
  if (!dropped) world_.log.Write(LogLevel::kError, dropped.error().message);
  if (const auto refused = std::exchange(refused_unadmitted_, 0); refused > 0) {
    const auto stored = Event(
        "unadmitted-refused", nullptr,
        std::to_string(refused) + " reports of agents that are not admitted were beyond the limits",
        now);
    if (!stored) world_.log.Write(LogLevel::kError, stored.error().message);
  }
  std::erase_if(newcomers_, [&](const auto& entry) {
    return entry.second.empty() || now - entry.second.back() >= std::chrono::minutes(1);
  });
  PromoteReserveIfDue(now);
  if (const auto loaded = LoadRollout(); !loaded) {
    world_.log.Write(LogLevel::kError, loaded.error().message);
  }
  AdvanceRollout(now);
  if (const auto swept = world_.registry.Transact([&] { return SweepMoves(world_, now); });
      !swept) {
    world_.log.Write(LogLevel::kError, swept.error().message);
  }
  AdvanceMove(now);
  if (!book_.Aborted().empty()) ReleaseKept(now);
  Remind(now);
}

void Server::ReleaseKept(Instant now) {
  const auto released = ReleaseAborted(world_, now);
  if (!released) {
    world_.log.Write(LogLevel::kError, "the key of an aborted rollout cannot be destroyed: " +
                                           released.error().message);
    return;
  }
  if (!*released) return;
  if (const auto reloaded = Reload(now); !reloaded) {
    world_.log.Write(LogLevel::kError, reloaded.error().message);
  }
}

void Server::Remind(Instant now) {
  auto reminders = RemindersOf(book_, config_, now);
  auto rewound = RewoundReminder(world_, book_);
  if (!rewound) {
    world_.log.Write(LogLevel::kError, rewound.error().message);
  } else if (*rewound) {
    reminders.push_back(**std::move(rewound));
  }
  if (const auto age = AgeOfBackup(world_, now)) {
    for (auto& reminder : RemindersOf(*age)) reminders.push_back(std::move(reminder));
  } else {
    world_.log.Write(LogLevel::kError, age.error().message);
  }
  if (const auto told = TellDue(world_, reminders, now); !told) {
    world_.log.Write(LogLevel::kError, told.error().message);
  }
}

void Server::PromoteReserveIfDue(Instant now) {
  const auto* const active = book_.Active();
  if (active == nullptr || book_.Reserve() == nullptr) return;
  const auto* const last = book_.Pending() == nullptr ? active : book_.Pending();
  const bool is_due = last->certificate.not_after() - now <= kReserveAhead;
  if (!is_due && !std::exchange(reserve_is_held_, false)) return;
  const auto issued = PromoteReserve(world_, now);
  if (!issued) {
    world_.log.Write(LogLevel::kError, "the reserve cannot take over: " + issued.error().message);
    return;
  }
  if (const auto reloaded = Reload(now); !reloaded) {
    world_.log.Write(LogLevel::kError, reloaded.error().message);
  }
}

}  // namespace countersign::server
