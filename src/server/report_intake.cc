#include <algorithm>
#include <utility>

#include "crypto/hash.h"
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

// GiveNonce draws or repeats the nonce that the reply carries. For unproved reports it is one for
// all, so that a replayed report displaces nothing.
Nonce GiveNonce(store::AgentRow& row, bool proved, RandomSource& random, Instant now) {
  auto& nonces = row.nonces;
  if (!proved) {
    const auto newest = std::find_if(nonces.rbegin(), nonces.rend(),
                                     [](const auto& given) { return !given.for_proved; });
    if (newest != nonces.rend() && now - newest->given_at < kUnprovedNonceAge &&
        now >= newest->given_at) {
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

ReportAnswer Server::TakeReport(std::string_view message, const net::IpAddress& source,
                                Instant now) {
  const auto report = wire::ParseReport(message);
  if (!report || !wire::IsSignedBy(report->envelope, report->key)) return {};
  ReportAnswer answer{.status = 503, .reply = {}, .nonce = {}, .retry_after = kRetryAfterLimit};
  const auto done = world_.registry.Transact([&]() -> Status {
    auto taken = IntakeReport(*report, source, now);
    if (!taken) return std::unexpected(std::move(taken).error());
    answer = *std::move(taken);
    return {};
  });
  if (done) return answer;
  world_.log.Write(LogLevel::kError, "report of " + report->report.iss.Text() +
                                         " not taken: " + done.error().message);
  return {.status = 503, .reply = {}, .nonce = {}, .retry_after = kRetryAfterLimit};
}

Result<ReportAnswer> Server::IntakeReport(const wire::SignedReport& message,
                                          const net::IpAddress& source, Instant now) {
  const wire::Report& report = message.report;
  auto found = world_.registry.FindAgent(report.iss);
  if (!found) return std::unexpected(std::move(found).error());
  if (!*found) {
    const auto may = MayRegister(message, source, now);
    if (!may) return std::unexpected(may.error());
    if (!*may) {
      ++refused_unadmitted_;
      return ReportAnswer{.status = 429, .reply = {}, .nonce = {}, .retry_after = kRetryAfterLimit};
    }
    store::AgentRow fresh;
    fresh.id = report.iss;
    fresh.key = message.key.spki();
    fresh.first_seen = now;
    fresh.last_contact = now;
    TakeReportFields(fresh, report, source);
    *found = std::move(fresh);
  }
  store::AgentRow& row = **found;
  // The whole key is pinned: an id is only 122 bits of its digest.
  if (row.forgotten || row.key != message.key.spki())
    return ReportAnswer{.status = 403, .reply = {}, .nonce = {}, .retry_after = 0};

  const auto proof = SpendNonce(row, report.echo, now);
  if (proof) {
    row.last_contact = now;
    row.last_verified = now;
    TakeFailures(row, report);
    row.aud = report.aud;
    // Meant for another server, it is evidence of `held`, `aud` and failures only.
    if (book_.IsOurs(report.aud)) {
      TakeReportFields(row, report, source);
      COUNTERSIGN_RETURN_IF_ERROR(Admit(row, report, now));
    }
    COUNTERSIGN_RETURN_IF_ERROR(TakeBundle(row, report, now));
    COUNTERSIGN_RETURN_IF_ERROR(ApplyProved(row, report.held, report.seq, report.instance,
                                            report.time, {proof->noted_seq, proof->epoch}, now));
  }
  COUNTERSIGN_RETURN_IF_ERROR(Rejudge(row, now));
  const Nonce nonce = GiveNonce(row, proof.has_value(), world_.random, now);
  auto reply = MakeReply(row, report, proof.has_value(), nonce, now);
  if (!reply) return std::unexpected(std::move(reply).error());
  COUNTERSIGN_RETURN_IF_ERROR(world_.registry.PutAgent(row));
  return ReportAnswer{
      .status = 200, .reply = *std::move(reply), .nonce = nonce.Text(), .retry_after = 0};
}

// Those with a token's proof are not limited; others are, in all and from one source.
Result<bool> Server::MayRegister(const wire::SignedReport& report, const net::IpAddress& source,
                                 Instant now) {
  const auto has_proof = HasTokenProof(report.report, now);
  if (!has_proof || *has_proof) return has_proof;
  const auto all = world_.registry.CountUnadmitted("", Instant());
  if (!all) return std::unexpected(all.error());
  const auto recent = world_.registry.CountUnadmitted(source.Text(), now - std::chrono::minutes(1));
  if (!recent) return std::unexpected(recent.error());
  return *all < config_.max_unadmitted && *recent < config_.max_unadmitted_per_minute;
}

Result<bool> Server::HasTokenProof(const wire::Report& report, Instant now) {
  if (!report.enrol || !book_.IsOurs(report.aud)) return false;
  const auto token = world_.registry.FindToken(report.enrol->token);
  if (!token) return std::unexpected(token.error());
  if (!*token) return false;
  if ((*token)->expires && *(*token)->expires <= now) return false;
  if ((*token)->uses_left == 0) return false;
  const Digest expected =
      wire::EnrolProof((*token)->secret, report.iss, report.aud, report.challenge);
  return crypto::EqualConstantTime(expected, report.enrol->proof);
}

Status Server::Admit(store::AgentRow& row, const wire::Report& report, Instant now) {
  if (row.admitted) return {};
  const auto has_proof = HasTokenProof(report, now);
  if (!has_proof) return std::unexpected(has_proof.error());
  if (!*has_proof) return {};
  auto token = world_.registry.FindToken(report.enrol->token);
  if (!token) return std::unexpected(std::move(token).error());
  if ((*token)->uses_left) {
    --*(*token)->uses_left;
    COUNTERSIGN_RETURN_IF_ERROR(world_.registry.PutToken(**token));
  }
  row.admitted = true;
  row.admitted_by = "token:" + report.enrol->token;
  return Event("agent-admitted", &row.id, row.host + " by token " + report.enrol->token, now);
}

void Server::TakeReportFields(store::AgentRow& row, const wire::Report& report,
                              const net::IpAddress& source) {
  row.host = report.host;
  row.addresses = report.addresses;
  row.source = source.Text();
  row.port = static_cast<std::uint16_t>(report.port);
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

Status Server::ApplyProved(store::AgentRow& row, const wire::Held& held, std::uint64_t seq,
                           const Instance& instance, std::uint64_t time, const Proof& proof,
                           Instant now) {
  if (seq <= proof.noted_seq) {
    if (row.jump == 0) {
      COUNTERSIGN_RETURN_IF_ERROR(Event(
          "agent-restored", &row.id,
          row.host + " went back to an earlier state: it was restored from a backup or snapshot",
          now));
    }
    row.jump = std::max(row.jump, row.proved_seq);
  } else if (row.jump != 0 && seq > row.jump) {
    row.jump = 0;
  }
  row.proved_seq = std::max(row.proved_seq, seq);
  COUNTERSIGN_RETURN_IF_ERROR(JudgeInstance(row, instance, proof, now));
  row.clock_offset = static_cast<std::int64_t>(time) - ToUnix(now);

  // A newer generation than this server ever had counts only with the bundle (TakeBundle).
  const bool is_claim = book_.IsOurs(held.server) && book_.KnowsOwner(held.owner) &&
                        held.generation > book_.HighestGeneration();
  const bool is_shown = row.held_known && row.held_thumbprint == held.thumbprint;
  row.want_bundle = is_claim && !is_shown;
  if (row.want_bundle) return {};
  row.held_known = true;
  row.held_thumbprint = held.thumbprint;
  row.held_generation = held.generation;
  row.held_owner = held.owner;
  row.held_server = held.server;
  return {};
}

// A replaced instance that speaks again means two at once; two such returns within a day: cloned.
Status Server::JudgeInstance(store::AgentRow& row, const Instance& instance, const Proof& proof,
                             Instant now) {
  if (instance == row.instance) return {};
  const auto replaced = std::find_if(row.replaced.begin(), row.replaced.end(),
                                     [&](const auto& old) { return old.instance == instance; });
  const bool returns = replaced != row.replaced.end();
  // What was given before the last replacement proves nothing about who runs now.
  if (proof.epoch < (returns ? replaced->replaced_in_epoch : row.instance_epoch)) return {};
  if (returns) {
    row.replaced.erase(replaced);
    std::erase_if(row.returns, [&](Instant at) { return now - at > std::chrono::hours(24); });
    row.returns.push_back(now);
    if (row.returns.size() >= 2 && !row.cloned) {
      row.cloned = true;
      COUNTERSIGN_RETURN_IF_ERROR(Event(
          "agent-cloned", &row.id, row.host + ": two machines run with this agent's key", now));
    }
  }
  ++row.instance_epoch;
  if (row.instance_epoch > 1) row.replaced.push_back({row.instance, row.instance_epoch});
  if (row.replaced.size() > 8) row.replaced.erase(row.replaced.begin());
  if (row.returns.size() > 8) row.returns.erase(row.returns.begin());
  row.instance = instance;
  return {};
}

}  // namespace countersign::server
