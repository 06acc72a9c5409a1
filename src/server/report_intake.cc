#include <algorithm>
#include <utility>

#include "crypto/hash.h"
#include "server/move.h"
#include "server/server.h"
#include "server/standing.h"

// Reports: what an agent says on its own, and what the server believes of it (protocol section 6).
namespace countersign::server {
namespace {

constexpr std::size_t kProvedNonces = 8;
constexpr Seconds kUnprovedNonceAge = std::chrono::minutes(1);
constexpr unsigned kRetryAfterLimit = 60;

// SpendNonce takes the echoed nonce from the row, if it was given to this agent and is in time.
std::optional<store::GivenNonce> SpendNonce(store::AgentRow& row, const std::optional<Nonce>& echo,
                                            Instant now) {
  if (!echo) return std::nullopt;
  const auto at = std::find_if(row.nonces.begin(), row.nonces.end(),
                               [&](const auto& given) { return given.nonce == *echo; });
  if (at == row.nonces.end()) return std::nullopt;
  const store::GivenNonce given = *at;
  row.nonces.erase(at);
  if (now - given.given_at > Server::kNonceLifetime) return std::nullopt;
  return given;
}

// IsWithin: `at` is not in the future, where a clock that was set back finds it, nor further back
// than `age`.
bool IsWithin(Instant now, Instant at, Seconds age) { return at <= now && now - at < age; }

// GiveNonce draws or repeats the nonce that the reply carries. For unproved reports it is one for
// all, so that a replayed report displaces nothing.
Nonce GiveNonce(store::AgentRow& row, bool proved, RandomSource& random, Instant now) {
  auto& nonces = row.nonces;
  if (!proved) {
    const auto newest = std::find_if(nonces.rbegin(), nonces.rend(),
                                     [](const auto& given) { return !given.for_proved; });
    if (newest != nonces.rend() && IsWithin(now, newest->given_at, kUnprovedNonceAge)) {
      return newest->nonce;
    }
  }
  nonces.push_back({random.Token(), now, row.proved_seq, row.instance_epoch, proved});
  const std::size_t most = proved ? kProvedNonces : 2;
  const auto is_kind = [&](const auto& given) { return given.for_proved == proved; };
  while (static_cast<std::size_t>(std::count_if(nonces.begin(), nonces.end(), is_kind)) > most) {
    nonces.erase(std::find_if(nonces.begin(), nonces.end(), is_kind));
  }
  return nonces.back().nonce;
}

}  // namespace

ReportAnswer Server::TakeReport(std::string_view message, const net::IpAddress& source, Instant now,
                                Seconds wait, Orders orders) {
  const auto report = wire::ParseReport(message);
  if (!report || !wire::IsSignedBy(report->envelope, report->key)) return {};
  ReportAnswer answer{.status = 503, .reply = {}, .nonce = {}, .retry_after = kRetryAfterLimit};
  const auto done = world_.registry.Transact([&]() -> Status {
    auto taken = IntakeReport(*report, message, source, now, wait, orders);
    if (!taken) return std::unexpected(std::move(taken).error());
    answer = *std::move(taken);
    return {};
  });
  if (done) return answer;
  if (const auto loaded = LoadRollout(); !loaded) {
    world_.log.Write(LogLevel::kError, loaded.error().message);
  }
  world_.log.Write(LogLevel::kError, "report of " + report->report.iss.Text() +
                                         " not taken: " + done.error().message);
  return {.status = 503, .reply = {}, .nonce = {}, .retry_after = kRetryAfterLimit};
}

Result<ReportAnswer> Server::IntakeReport(const wire::SignedReport& message, std::string_view text,
                                          const net::IpAddress& source, Instant now, Seconds wait,
                                          Orders orders) {
  const wire::Report& report = message.report;
  auto found = FindOrRegister(message, source, now);
  if (!found) return std::unexpected(std::move(found).error());
  std::optional<store::AgentRow> row = *std::move(found);
  if (!row) {
    ++refused_unadmitted_;
    return ReportAnswer{.status = 429, .reply = {}, .nonce = {}, .retry_after = kRetryAfterLimit};
  }
  // The whole key is pinned: an id is only 122 bits of its digest. A row that came from an
  // automatic backup has no key yet (the backup keeps ids only); the first report under its id
  // brings it.
  if (row->key.empty()) row->key = message.key.spki();
  if (row->forgotten || row->key != message.key.spki()) {
    return ReportAnswer{.status = 403, .reply = {}, .nonce = {}, .retry_after = 0};
  }
  const auto given = SpendNonce(*row, report.echo, now);
  if (given) {
    const Proof proof{given->noted_seq, given->epoch};
    COUNTERSIGN_RETURN_IF_ERROR(TakeProvedReport(*row, report, source, proof, now));
    COUNTERSIGN_RETURN_IF_ERROR(KeepProof(*row, report.held, store::ProofKind::kReport, text, now));
  } else {
    COUNTERSIGN_RETURN_IF_ERROR(TakeArrival(*row, report, Proved::kNo, now));
  }
  COUNTERSIGN_RETURN_IF_ERROR(Rejudge(*row, now));
  auto draft = DraftReply(*row, report, given.has_value(), orders, now);
  if (!draft) return std::unexpected(std::move(draft).error());
  if (wait <= Seconds(0) || !given || !MayHold(*row, draft->reply, source)) {
    return SendReply(*row, *std::move(draft), given.has_value(), now);
  }
  COUNTERSIGN_RETURN_IF_ERROR(world_.registry.PutAgent(*row));
  ReportAnswer answer{.status = 200, .reply = {}, .nonce = {}, .retry_after = 0, .proved = true};
  answer.held.emplace(HeldReport{report});
  wire::Report& kept = answer.held->report;
  kept.x5c = {};
  kept.addresses = {};
  kept.failures = {};
  kept.enrol.reset();
  return answer;
}

// Nothing is held back from an agent that has something to hear, or that gets no orders anyway.
bool Server::MayHold(const store::AgentRow& row, const wire::Reply& reply,
                     const net::IpAddress& source) const {
  const bool has_news =
      !reply.x5c.empty() || reply.jump || reply.want_bundle || !reply.orders.empty();
  const bool knows_place = waiting_.Contains(row.id) || waiting_.HasRoom(source);
  return config_.long_poll != store::LongPoll::kOff && MayCommand(row) && !has_news && knows_place;
}

Result<ReportAnswer> Server::SendReply(store::AgentRow& row, ReplyDraft draft, bool proved,
                                       Instant now) {
  draft.reply.nonce = GiveNonce(row, proved, world_.random, now);
  auto reply = wire::SignReply(draft.reply, *draft.signer);
  if (!reply) return std::unexpected(std::move(reply).error());
  COUNTERSIGN_RETURN_IF_ERROR(world_.registry.PutAgent(row));
  return ReportAnswer{.status = 200,
                      .reply = *std::move(reply),
                      .nonce = draft.reply.nonce.Text(),
                      .retry_after = 0,
                      .proved = proved && row.admitted};
}

ReportAnswer Server::FinishReply(const HeldReport& held, Instant now) {
  ReportAnswer answer{.status = 503, .reply = {}, .nonce = {}, .retry_after = kRetryAfterLimit};
  const auto done = world_.registry.Transact([&]() -> Status {
    auto found = world_.registry.FindAgent(held.report.iss);
    if (!found) return std::unexpected(std::move(found).error());
    std::optional<store::AgentRow> row = *std::move(found);
    if (!row || row->forgotten) {
      answer = {.status = 403, .reply = {}, .nonce = {}, .retry_after = 0};
      return {};
    }
    auto draft = DraftReply(*row, held.report, true, Orders::kGiven, now);
    if (!draft) return std::unexpected(std::move(draft).error());
    auto sent = SendReply(*row, *std::move(draft), true, now);
    if (!sent) return std::unexpected(std::move(sent).error());
    answer = *std::move(sent);
    return {};
  });
  if (done) return answer;
  if (const auto loaded = LoadRollout(); !loaded) {
    world_.log.Write(LogLevel::kError, loaded.error().message);
  }
  world_.log.Write(LogLevel::kError, "no reply to the report of " + held.report.iss.Text() + ": " +
                                         done.error().message);
  return {.status = 503, .reply = {}, .nonce = {}, .retry_after = kRetryAfterLimit};
}

// Nothing if a new agent is beyond the limits.
Result<std::optional<store::AgentRow>> Server::FindOrRegister(const wire::SignedReport& message,
                                                              const net::IpAddress& source,
                                                              Instant now) {
  auto found = world_.registry.FindAgent(message.report.iss);
  if (!found || *found) return found;
  const auto expected = FindExpected(world_.registry, message.report.iss, now);
  if (!expected) return std::unexpected(expected.error());
  if (!*expected) {
    const auto may = MayRegister(message, source, now);
    if (!may) return std::unexpected(may.error());
    if (!*may) return std::nullopt;
  }
  store::AgentRow fresh;
  fresh.id = message.report.iss;
  fresh.key = message.key.spki();
  fresh.first_seen = now;
  fresh.last_contact = now;
  TakeReportFields(fresh, message.report, source);
  return fresh;
}

Status Server::TakeProvedReport(store::AgentRow& row, const wire::Report& report,
                                const net::IpAddress& source, const Proof& proof, Instant now) {
  row.last_contact = now;
  row.last_verified = now;
  if (IsOvertaken(row, report.seq, proof)) {
    if (!book_.IsOurs(report.aud)) return {};  // an old farewell: it has been heard of since
    reach_.TakeReport(row, report.instance, AddressOf(row).has_value(), now);
    return ApplyProved(row, report.held, report.seq, report.instance, report.time, proof, now);
  }
  row.aud = report.aud;
  TakeFailures(row, report);
  // Meant for another server, it is evidence of `held`, `aud` and failures only.
  if (!book_.IsOurs(report.aud)) {
    ApplyHeld(row, report.held);
    return NoteWhereabouts(row, report.leaving, now);
  }
  TakeReportFields(row, report, source);
  reach_.TakeReport(row, report.instance, AddressOf(row).has_value(), now);
  const bool was_known = row.admitted && row.held_known;
  COUNTERSIGN_RETURN_IF_ERROR(Admit(row, report, now));
  COUNTERSIGN_RETURN_IF_ERROR(TakeArrival(row, report, Proved::kYes, now));
  COUNTERSIGN_RETURN_IF_ERROR(TakeBundle(row, report, now));
  COUNTERSIGN_RETURN_IF_ERROR(
      ApplyProved(row, report.held, report.seq, report.instance, report.time, proof, now));
  COUNTERSIGN_RETURN_IF_ERROR(JudgeOffer(row, Answered::kByReport, now));
  COUNTERSIGN_RETURN_IF_ERROR(NoteWhereabouts(row, false, now));
  return was_known ? Status() : RetireEarlier(row, now);
}

Status Server::RetireEarlier(const store::AgentRow& row, Instant now) {
  constexpr std::size_t kMostFromOneAddress = 1'000;
  if (!row.admitted || !row.held_known || row.host.empty()) return {};
  auto others = world_.registry.AgentsFrom(row.source, kMostFromOneAddress);
  if (!others) return std::unexpected(std::move(others).error());
  for (auto& other : *others) {
    // Others miss nothing by staying, and an endpoint that claims their place gains nothing.
    const bool is_listed = other.standing == kMismatched || other.standing == kQuarantined ||
                           other.standing == kExposed;
    const bool same_place = other.id != row.id && other.host == row.host && other.port == row.port;
    const bool silent = !other.last_contact || *other.last_contact <= row.first_seen;
    if (!is_listed || !same_place || !silent || !other.successor.is_nil()) continue;
    other.successor = row.id;
    COUNTERSIGN_RETURN_IF_ERROR(Rejudge(other, now));
    COUNTERSIGN_RETURN_IF_ERROR(world_.registry.PutAgent(other));
    COUNTERSIGN_RETURN_IF_ERROR(Event("agent-retired", &other.id,
                                      other.host + " was installed anew, as agent " + row.id.Text(),
                                      now));
  }
  return {};
}

// Those with a token's proof are not limited; others are, in all and from one source (IPv4 address,
// IPv6 /64).
Result<bool> Server::MayRegister(const wire::SignedReport& report, const net::IpAddress& source,
                                 Instant now) {
  const auto token = FindProvedToken(report.report, now);
  if (!token) return std::unexpected(token.error());
  if (token->has_value()) return true;
  const auto all = world_.registry.CountUnadmitted("", Instant());
  if (!all) return std::unexpected(all.error());
  if (*all >= config_.max_unadmitted) return false;
  auto& recent = newcomers_[source.SourceKey()];
  std::erase_if(recent, [&](Instant at) { return !IsWithin(now, at, std::chrono::minutes(1)); });
  if (recent.size() >= config_.max_unadmitted_per_minute) return false;
  recent.push_back(now);
  return true;
}

Result<std::optional<store::TokenRow>> Server::FindProvedToken(const wire::Report& report,
                                                               Instant now) {
  if (!report.enrol || !book_.IsOurs(report.aud)) return std::nullopt;
  auto found = world_.registry.FindToken(report.enrol->token);
  if (!found) return found;
  std::optional<store::TokenRow> token = *std::move(found);
  if (!token || (token->expires && *token->expires <= now) || token->uses_left == 0) {
    return std::nullopt;
  }
  const Digest expected = wire::EnrolProof(token->secret, report.iss, report.aud, report.challenge);
  if (!crypto::EqualConstantTime(expected, report.enrol->proof)) return std::nullopt;
  return token;
}

Status Server::Admit(store::AgentRow& row, const wire::Report& report, Instant now) {
  if (row.admitted) return {};
  auto found = FindProvedToken(report, now);
  if (!found) return std::unexpected(std::move(found).error());
  std::optional<store::TokenRow> token = *std::move(found);
  if (!token) return {};
  if (token->uses_left) {
    --*token->uses_left;
    COUNTERSIGN_RETURN_IF_ERROR(world_.registry.PutToken(*token));
  }
  row.admitted = true;
  row.admitted_by = "token:" + token->id;
  return Event("agent-admitted", &row.id, row.host + " by token " + token->id, now);
}

void Server::TakeReportFields(store::AgentRow& row, const wire::Report& report,
                              const net::IpAddress& source) {
  row.host = report.host;
  row.addresses = report.addresses;
  row.source = source.Text();
  row.port = static_cast<std::uint16_t>(report.port);
  row.tls = report.tls;
  row.domain = report.domain;
  row.version = report.version;
  row.platform = report.platform;
  row.batch = report.batch;
}

// Failures are cumulative until a reply is verified. The verdict with which the newest of this
// server's own replies was refused tells why a bundle is not taken; what strangers sent does not.
void Server::TakeFailures(store::AgentRow& row, const wire::Report& report) {
  row.last_refusal.clear();
  std::uint64_t newest = 0;
  std::uint64_t sum = 0;
  for (const auto& failure : report.failures) {
    sum += failure.count;
    if (failure.source != wire::kServerSource || failure.last < newest) continue;
    newest = failure.last;
    row.last_refusal = VerdictName(failure.verdict);
  }
  row.failures = sum;
}

}  // namespace countersign::server
