#include "store/sqlite_rollouts.h"

#include <limits>

#include "store/row_codec.h"
#include "store/sqlite_query.h"

namespace countersign::store {
namespace {

using trust::RolloutState;

// The numbers in the columns `state` are part of the schema.
static_assert(static_cast<int>(RolloutState::kPlanned) == 0 &&
              static_cast<int>(RolloutState::kCanary) == 1 &&
              static_cast<int>(RolloutState::kRolling) == 2 &&
              static_cast<int>(RolloutState::kGate) == 3 &&
              static_cast<int>(RolloutState::kPaused) == 4 &&
              static_cast<int>(RolloutState::kHalted) == 5 &&
              static_cast<int>(RolloutState::kFinished) == 6 &&
              static_cast<int>(RolloutState::kAborted) == 7);
static_assert(static_cast<int>(OfferState::kSent) == 0 &&
              static_cast<int>(OfferState::kTaken) == 1 &&
              static_cast<int>(OfferState::kRefused) == 2);

constexpr std::string_view kRolloutColumns =
    "generation, thumbprint, state, goes_on_as, canary_share, domains, rate, halt_at, soak, "
    "canary_below, started, since, moved, rate_since, rate_used, gate_shown, why, given_by, "
    "asked_to, all_asked";
constexpr std::uint32_t kAny = std::numeric_limits<std::uint32_t>::max();

RolloutRow ReadRollout(SqliteQuery& query) {
  RolloutRow row;
  trust::Rollout& rollout = row.rollout;
  rollout.generation = query.Unsigned();
  rollout.thumbprint = query.Sha256Digest();
  rollout.state = static_cast<RolloutState>(query.Ranged(7));
  rollout.goes_on_as = static_cast<RolloutState>(query.Ranged(7));
  rollout.terms.canary_share = query.Ranged(trust::kEverybody);
  rollout.terms.domains = query.Decoded(DecodeTexts(query.BlobView()));
  rollout.terms.rate_per_hour = query.Unsigned();
  rollout.terms.halt_at = query.Ranged(trust::kEverybody);
  rollout.terms.soak = Seconds(query.Int());
  rollout.canary_below = query.Unsigned();
  rollout.started = query.Time();
  rollout.since = query.Time();
  rollout.moved = query.Time();
  rollout.rate_since = query.Time();
  rollout.rate_used = query.Unsigned();
  rollout.gate_shown = query.OptionalTime();
  rollout.why = query.Text();
  row.by = query.Text();
  row.asked_to = query.Id();
  row.all_asked = query.Bool();
  return row;
}

OfferRow ReadOffer(SqliteQuery& query) {
  OfferRow row;
  row.agent = query.Id();
  row.generation = query.Unsigned();
  row.state = static_cast<OfferState>(query.Ranged(2));
  row.verdict = query.Text();
  row.sends = query.Ranged(kAny);
  row.since = query.Time();
  return row;
}

}  // namespace

Status SqliteRollouts::Put(const RolloutRow& row) {
  static const std::string sql = UpsertSql("rollouts", kRolloutColumns);
  return connection_.Run("cannot write a rollout", [&]() -> Status {
    const trust::Rollout& rollout = row.rollout;
    const Bytes domains = EncodeTexts(rollout.terms.domains);
    SqliteQuery query(connection_, sql.c_str());
    query.BindUnsigned(rollout.generation).Bind(rollout.thumbprint);
    query.Bind(static_cast<std::int64_t>(rollout.state));
    query.Bind(static_cast<std::int64_t>(rollout.goes_on_as));
    query.Bind(static_cast<std::int64_t>(rollout.terms.canary_share)).Bind(domains);
    query.BindUnsigned(rollout.terms.rate_per_hour);
    query.Bind(static_cast<std::int64_t>(rollout.terms.halt_at));
    query.Bind(rollout.terms.soak.count()).BindUnsigned(rollout.canary_below);
    query.Bind(rollout.started).Bind(rollout.since).Bind(rollout.moved).Bind(rollout.rate_since);
    query.BindUnsigned(rollout.rate_used).BindOptional(rollout.gate_shown).Bind(rollout.why);
    query.Bind(row.by).Bind(row.asked_to).Bind(std::int64_t{row.all_asked}).Write();
    return {};
  });
}

Result<std::vector<RolloutRow>> SqliteRollouts::List(std::size_t limit) {
  static const std::string sql = "SELECT " + std::string(kRolloutColumns) +
                                 " FROM rollouts ORDER BY state IN (6, 7), generation DESC LIMIT ?";
  return connection_.Run("cannot list rollouts", [&]() -> Result<std::vector<RolloutRow>> {
    SqliteQuery query(connection_, sql.c_str());
    query.BindCount(limit);
    std::vector<RolloutRow> rows;
    while (query.Step()) rows.push_back(ReadRollout(query));
    if (query.damaged()) return Fail(Code::kDamaged, "the row of a rollout is damaged");
    return rows;
  });
}

Status SqliteRollouts::PutOffer(const OfferRow& row) {
  return connection_.Run("cannot write an offer", [&]() -> Status {
    SqliteQuery query(connection_,
                      "INSERT OR REPLACE INTO offers (agent, generation, state, verdict, sends, "
                      "since) VALUES (?, ?, ?, ?, ?, ?)");
    query.Bind(row.agent).BindUnsigned(row.generation);
    query.Bind(static_cast<std::int64_t>(row.state)).Bind(row.verdict);
    query.Bind(std::int64_t{row.sends}).Bind(row.since).Write();
    return {};
  });
}

Result<std::optional<OfferRow>> SqliteRollouts::FindOffer(const AgentId& agent,
                                                          std::uint64_t generation) {
  return connection_.Run("cannot read an offer", [&]() -> Result<std::optional<OfferRow>> {
    SqliteQuery query(connection_,
                      "SELECT agent, generation, state, verdict, sends, since FROM offers "
                      "WHERE agent = ? AND generation = ?");
    if (!query.Bind(agent).BindUnsigned(generation).Step()) return std::nullopt;
    OfferRow row = ReadOffer(query);
    if (query.damaged()) return Fail(Code::kDamaged, "the row of an offer is damaged");
    return row;
  });
}

Result<OfferCounts> SqliteRollouts::CountOffers(std::uint64_t generation) {
  return connection_.Run("cannot count offers", [&]() -> Result<OfferCounts> {
    SqliteQuery query(
        connection_,
        "SELECT state, COUNT(*) FROM offers WHERE generation = ? GROUP BY state ORDER BY state");
    query.BindUnsigned(generation);
    OfferCounts counts;
    while (query.Step()) {
      const auto state = static_cast<OfferState>(query.Ranged(2));
      const std::uint64_t count = query.Unsigned();
      if (state == OfferState::kSent) counts.sent = count;
      if (state == OfferState::kTaken) counts.taken = count;
      if (state == OfferState::kRefused) counts.refused = count;
    }
    return counts;
  });
}

Result<std::vector<OfferRow>> SqliteRollouts::ListOffers(std::uint64_t generation,
                                                         const std::optional<AgentId>& after,
                                                         std::size_t limit) {
  return connection_.Run("cannot list offers", [&]() -> Result<std::vector<OfferRow>> {
    // By the primary key: the index of generations would sort them all for each page.
    SqliteQuery query(connection_,
                      "SELECT agent, generation, state, verdict, sends, since FROM offers "
                      "WHERE +generation = ? AND agent > ? ORDER BY agent LIMIT ?");
    const Bytes begin = after ? ToBytes(after->bytes()) : Bytes();
    query.BindUnsigned(generation).Bind(begin).BindCount(limit);
    std::vector<OfferRow> rows;
    while (query.Step()) rows.push_back(ReadOffer(query));
    if (query.damaged()) return Fail(Code::kDamaged, "the row of an offer is damaged");
    return rows;
  });
}

Status SqliteRollouts::RetryRefused(std::uint64_t generation, Instant now) {
  return connection_.Run("cannot change offers", [&]() -> Status {
    SqliteQuery query(connection_,
                      "UPDATE offers SET state = 0, verdict = '', sends = 0, since = ? "
                      "WHERE generation = ? AND state = 2");
    query.Bind(now).BindUnsigned(generation).Write();
    return {};
  });
}

Status SqliteRollouts::DropOffersBelow(const AgentId& agent, std::uint64_t generation) {
  return connection_.Run("cannot drop offers", [&]() -> Status {
    SqliteQuery query(connection_, "DELETE FROM offers WHERE agent = ? AND generation < ?");
    query.Bind(agent).BindUnsigned(generation).Write();
    return {};
  });
}

Status SqliteRollouts::DropOffersOf(std::uint64_t generation) {
  return connection_.Run("cannot drop offers", [&]() -> Status {
    SqliteQuery query(connection_, "DELETE FROM offers WHERE generation = ?");
    query.BindUnsigned(generation).Write();
    return {};
  });
}

}  // namespace countersign::store
