#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "base/time.h"
#include "store/move_table.h"
#include "trust/rollout.h"

// The registry: what a server knows for good. One interface, any number of engines; an engine is
// right when it passes registry_conformance.h. Rows are plain data; what their numbers mean is
// decided in server/, not here.
namespace countersign::store {

// A nonce given to an agent, with what was known of it when it was given (protocol section 6).
struct GivenNonce {
  Nonce nonce;
  Instant given_at;
  std::uint64_t noted_seq = 0;  // highest proved seq at that time
  std::uint64_t epoch = 0;      // AgentRow::instance_epoch at that time
  bool for_proved = false;      // given for a proved message; otherwise the one for all unproved
  bool operator==(const GivenNonce&) const = default;
};

// An instance of the agent's process that another one replaced, and in which epoch.
struct ReplacedInstance {
  Instance instance;
  std::uint64_t replaced_in_epoch = 0;
  bool operator==(const ReplacedInstance&) const = default;
};

struct AgentRow {
  AgentId id;
  Bytes key;  // SubjectPublicKeyInfo, pinned
  bool admitted = false;
  std::string admitted_by;  // "token:<id>", "approved", "backup"; or empty
  bool forgotten = false;   // its key is refused for ever

  // Untrusted text from its newest proved (or, until one is proved, first) report.
  std::string host;
  std::vector<std::string> addresses;
  std::string source;  // the address that its reports come from
  std::uint16_t port = 0;
  std::string domain;
  std::string version;
  std::string platform;
  bool batch = false;

  // What it proved to hold. `held_known` is false until a proved message said so.
  bool held_known = false;
  Digest held_thumbprint{};
  std::uint64_t held_generation = 0;
  Digest held_owner{};
  ServerId held_server;
  ServerId aud;       // the server that its newest proved report was meant for
  Bytes held_bundle;  // its stored bundle where it was asked for: DER, each with a 4-byte length
  bool want_bundle = false;

  std::string standing;  // the protocol's word; see server/standing.h
  std::string reason;    // a verdict's name or another stable word; or empty
  Instant standing_since;

  Instant first_seen;
  std::optional<Instant> last_contact;   // any report signed by its key
  std::optional<Instant> last_verified;  // newest proved message
  std::int64_t clock_offset = 0;  // its `time` minus ours, seconds, at the newest proved message

  std::uint64_t proved_seq = 0;  // highest
  Instance instance;             // the current one
  std::uint64_t instance_epoch = 0;
  std::vector<ReplacedInstance> replaced;  // newest 8
  std::vector<Instant> returns;            // times at which a replaced instance spoke again
  std::uint64_t jump = 0;                  // restored: it has to jump above this; 0: no
  bool cloned = false;
  std::vector<GivenNonce> nonces;  // newest 8 proved ones, and at most 2 unproved

  std::uint64_t failures = 0;  // refusals in its newest proved report
  std::string last_refusal;    // verdict of its newest refused order or reply; or empty
  bool tls = false;            // its listener speaks TLS
  std::string moved_to;        // URN of the server that it left for, by its own proved word; empty
  std::uint32_t failed_calls = 0;  // in a row
  std::optional<Instant> call_failed_at;
  std::optional<Instant> call_answered_at;
  bool arriving = false;  // announced by `move expect`, and has not proved itself here yet
  // See server/reachability.h. Whether it is heard is not stored: time alone changes it.
  bool unreachable = false;  // no calls get through to it
  Instant reach_since;       // when `unreachable` changed, or it was heard again
  Instant silent_at;         // unless it is heard before, it is offline from then on (ServedTime)
  AgentId successor;         // the agent as which its machine was installed anew; nil: none

  bool operator==(const AgentRow&) const = default;
};

// What one signature of an order was, so that a receipt can be matched (section 6).
struct OrderVersion {
  Digest oh;
  Instant signed_at;
  std::uint64_t noted_seq = 0;
  std::uint64_t epoch = 0;
  bool operator==(const OrderVersion&) const = default;
};

// queued: waits for a way to the agent. sent: signed and handed over, fate not known yet (may be
// signed anew until 24 h after its jti was drawn). unknown: fate not known, a person decides.
// done: a final verdict is there. lapsed: never delivered in time. cancelled is not used.
enum class OrderState { kQueued, kSent, kUnknown, kDone, kLapsed };
[[nodiscard]] std::string_view OrderStateName(OrderState state);

struct OrderRow {
  std::int64_t id = 0;  // given by the registry at insertion; grows
  Jti jti;
  AgentId agent;
  std::string act;
  std::string args;  // JSON object or empty
  std::string by;    // who gave it, for people
  Instant created;
  Instant jti_drawn;
  Instant expires;
  OrderState state = OrderState::kQueued;
  std::string verdict;  // of the newest receipt
  std::string earlier;  // verdict stored before, with done-before
  std::string result;   // JSON object or empty
  std::uint32_t attempts = 0;
  Instant next_attempt;
  std::vector<OrderVersion> versions;  // newest 16
  std::optional<Instant> ended;
  bool operator==(const OrderRow&) const = default;
};

// Which certificates the server has, and what each is for (protocol sections 2 and 9). The rows are
// the truth; the files in the folder's stores are made from them.
enum class CertificateRole { kServer, kOwner, kSuccession };
enum class CertificateState { kReserve, kPending, kActive, kReplaced, kRevoked, kAborted };
struct CertificateRow {
  Digest thumbprint;
  Bytes der;
  CertificateRole role = CertificateRole::kServer;
  CertificateState state = CertificateState::kReplaced;  // owner, succession: kActive
  std::uint64_t generation = 0;                          // of server certificates
  Instant since;                                         // when it entered this state
  bool operator==(const CertificateRow&) const = default;
};

// ProofRow is the signed message, as it came (JWS compact), by which an agent first proved to hold
// the newest of the certificates that it proved so far. One for each agent, or none.
enum class ProofKind { kReport, kReceipt };
[[nodiscard]] std::string_view ProofKindName(ProofKind kind);
struct ProofRow {
  AgentId agent;
  std::uint64_t generation = 0;  // of the certificate that the message says it holds
  Digest thumbprint{};           // the same
  ProofKind kind = ProofKind::kReport;
  Instant at;  // when it came, by this server's clock
  std::string message;
  bool operator==(const ProofRow&) const = default;
};

// RolloutRow is one rollout: where it stands, who began it, and how far the server has come with
// asking the agents of its present wave that can be called (by id).
struct RolloutRow {
  trust::Rollout rollout;
  std::string by;          // who began it, for people; empty: the server itself
  AgentId asked_to;        // nil: nobody yet
  bool all_asked = false;  // the whole wave was gone through
  bool operator==(const RolloutRow&) const = default;
};

// OfferRow: this agent was sent the pending certificate of this generation, and may hold it until
// it has proved a higher one.
enum class OfferState { kSent, kTaken, kRefused };
struct OfferRow {
  AgentId agent;
  std::uint64_t generation = 0;
  OfferState state = OfferState::kSent;
  std::string verdict = {};  // with which it was refused
  // 0: it is to be asked; 1: it was sent; then one more for each answer that did not show it.
  std::uint32_t sends = 0;
  Instant since = {};  // in this state
  bool operator==(const OfferRow&) const = default;
};
struct OfferCounts {
  std::uint64_t sent = 0;
  std::uint64_t taken = 0;
  std::uint64_t refused = 0;
  bool operator==(const OfferCounts&) const = default;
};

// UnloadWishRow says which unload password agents shall have. Of all that cover an agent the newest
// counts (docs/unload-password.md).
struct UnloadWishRow {
  std::int64_t id = 0;        // given by the registry; grows
  std::string scope;          // "all", "domain:<domain>" (and beneath it), "agent:<agent id>"
  std::string verifier = {};  // argon2id, PHC form; empty: none shall be set
  std::string by = {};        // who wished it, for people
  Instant since = {};
  bool operator==(const UnloadWishRow&) const = default;
};
// UnloadStateRow is the newest wish that an agent was given an order for, and its answer.
struct UnloadStateRow {
  AgentId agent;
  std::int64_t wish = 0;
  Jti order;
  std::string verdict = {};  // of the receipt; empty: none yet
  Instant since = {};
  bool operator==(const UnloadStateRow&) const = default;
};

struct TokenRow {
  std::string id;
  Bytes secret;  // 32 octets: needed to check proofs
  std::optional<Instant> expires;
  std::optional<std::uint32_t> uses_left;  // none: any number
  std::string note;
  bool operator==(const TokenRow&) const = default;
};

// Actor is the administrator who made something happen.
struct Actor {
  std::uint32_t uid = 0;  // by the operating system
  std::string name;       // that the system has for it
  std::string terminal;   // "pts/3", "none": what the caller's program said
  std::string login;      // "alice (uid 1000)", or empty: what it said of who logged in
  bool operator==(const Actor&) const = default;
};

struct EventRow {
  std::int64_t id = 0;  // grows
  Instant at;
  std::string kind;              // "certificate-replaced", "agent-cloned", ...
  std::string agent;             // id as text, or empty
  std::string text;              // for people
  std::optional<Actor> by = {};  // none: the server itself
  bool operator==(const EventRow&) const = default;
};

// One line of the history (wire/history.h).
struct HistoryRow {
  std::int64_t number = 0;  // 1, 2, 3, ...
  std::string line;
  bool operator==(const HistoryRow&) const = default;
};

struct AgentQuery {
  std::vector<std::string> standings;  // empty: all
  std::optional<AgentId> after;        // exclusive, in order of id
  std::size_t limit = 1'000;
  bool with_forgotten = false;
};

struct StandingCount {
  std::string standing;
  std::uint64_t count = 0;
};

struct ReachCounts {
  std::uint64_t online = 0;
  std::uint64_t unreachable = 0;
  std::uint64_t offline = 0;
  bool operator==(const ReachCounts&) const = default;
};

// Registry is one engine's connection. Used from one thread. Every write outside Transact is
// durable when it returns; inside, when Transact returns. Errors: kIo, kExhausted (disk full),
// kDamaged, kTimedOut (another process holds it too long). Text may hold any octets, and comes back
// unchanged.
class Registry {
 public:
  virtual ~Registry() = default;

  // Transact runs `body` in one transaction: committed if it returns success, otherwise rolled
  // back. A call that failed inside dooms it, even if `body` passes over the failure: its error is
  // what Transact returns then. Does not nest (a bug: aborts).
  [[nodiscard]] virtual Status Transact(const std::function<Status()>& body) = 0;

  [[nodiscard]] virtual Result<std::optional<AgentRow>> FindAgent(const AgentId& id) = 0;
  [[nodiscard]] virtual Status PutAgent(const AgentRow& row) = 0;  // inserts or replaces
  // DeleteAgent deletes its proof, offers and unload state too.
  [[nodiscard]] virtual Status DeleteAgent(const AgentId& id) = 0;
  [[nodiscard]] virtual Result<std::vector<AgentRow>> ListAgents(const AgentQuery& query) = 0;
  // AgentsFrom lists those not forgotten whose reports come from `source`, at most `limit`.
  [[nodiscard]] virtual Result<std::vector<AgentRow>> AgentsFrom(std::string_view source,
                                                                 std::size_t limit) = 0;
  // CountAgents counts those not forgotten, by standing.
  [[nodiscard]] virtual Result<std::vector<StandingCount>> CountAgents() = 0;
  // CountReach counts those not forgotten: offline is who has silent_at <= `served`.
  [[nodiscard]] virtual Result<ReachCounts> CountReach(Instant served) = 0;
  // CountUnadmitted counts agents neither admitted nor forgotten, of one source or (empty) of all,
  // first seen at or after `since`.
  [[nodiscard]] virtual Result<std::uint64_t> CountUnadmitted(std::string_view source,
                                                              Instant since) = 0;
  // DropSilentUnadmitted deletes agents neither admitted nor forgotten whose last contact (without
  // one: whose first sight) is before `before`, with their proofs, and returns how many.
  [[nodiscard]] virtual Result<std::uint64_t> DropSilentUnadmitted(Instant before) = 0;

  // AddOrder returns the new id; row.id is ignored. kAlreadyExists: the jti was used before.
  [[nodiscard]] virtual Result<std::int64_t> AddOrder(const OrderRow& row) = 0;
  [[nodiscard]] virtual Status PutOrder(const OrderRow& row) = 0;  // replaces by id; or kNotFound
  [[nodiscard]] virtual Result<std::optional<OrderRow>> FindOrder(const Jti& jti) = 0;
  // OpenOrders of one agent: queued or sent, oldest first.
  [[nodiscard]] virtual Result<std::vector<OrderRow>> OpenOrders(const AgentId& agent,
                                                                 std::size_t limit) = 0;
  // AllOpenOrders are those of one act, or (empty) of every act, however many: for changes that
  // must leave none out.
  [[nodiscard]] virtual Result<std::vector<OrderRow>> AllOpenOrders(const AgentId& agent,
                                                                    std::string_view act) = 0;
  // DueOrders: queued or sent with next_attempt <= now, of each agent only the oldest such, those
  // that are due for the longest time first (then by id).
  [[nodiscard]] virtual Result<std::vector<OrderRow>> DueOrders(Instant now, std::size_t limit) = 0;
  // NextAttempt is the earliest next_attempt of queued or sent orders.
  [[nodiscard]] virtual Result<std::optional<Instant>> NextAttempt() = 0;
  // LapseOrders sets queued orders with expires <= now to lapsed (ended now), and sent ones to
  // unknown (not ended: a person decides); returns how many.
  [[nodiscard]] virtual Result<std::uint64_t> LapseOrders(Instant now) = 0;

  // AddReceipt keeps a believed receipt as it came (JWS compact).
  [[nodiscard]] virtual Status AddReceipt(const AgentId& agent, const Jti& order,
                                          std::string_view receipt, Instant at) = 0;
  [[nodiscard]] virtual Result<std::vector<std::string>> ReceiptsOf(const Jti& order) = 0;

  [[nodiscard]] virtual Status PutProof(const ProofRow& row) = 0;  // inserts or replaces
  [[nodiscard]] virtual Result<std::optional<ProofRow>> FindProof(const AgentId& agent) = 0;
  // DeleteProof succeeds where there is none.
  [[nodiscard]] virtual Status DeleteProof(const AgentId& agent) = 0;

  [[nodiscard]] virtual Status PutCertificate(const CertificateRow& row) = 0;
  // ListCertificates is by since, then thumbprint.
  [[nodiscard]] virtual Result<std::vector<CertificateRow>> ListCertificates() = 0;

  [[nodiscard]] virtual Status PutRollout(const RolloutRow& row) = 0;  // by generation
  // ListRollouts begins with those under way, then goes on by generation, the newest first.
  [[nodiscard]] virtual Result<std::vector<RolloutRow>> ListRollouts(std::size_t limit) = 0;
  [[nodiscard]] virtual Status PutOffer(const OfferRow& row) = 0;  // inserts or replaces
  [[nodiscard]] virtual Result<std::optional<OfferRow>> FindOffer(const AgentId& agent,
                                                                  std::uint64_t generation) = 0;
  [[nodiscard]] virtual Result<OfferCounts> CountOffers(std::uint64_t generation) = 0;
  // ListOffers of one generation, by agent id, from the first after `after`.
  [[nodiscard]] virtual Result<std::vector<OfferRow>> ListOffers(
      std::uint64_t generation, const std::optional<AgentId>& after, std::size_t limit) = 0;
  // RetryRefused makes the refused offers of a generation sent ones without a send.
  [[nodiscard]] virtual Status RetryRefused(std::uint64_t generation, Instant now) = 0;
  // DropOffersBelow forgets that the agent was sent anything below this generation.
  [[nodiscard]] virtual Status DropOffersBelow(const AgentId& agent, std::uint64_t generation) = 0;
  [[nodiscard]] virtual Status DropOffersOf(std::uint64_t generation) = 0;

  // moves: its part for moves to and from other servers; lives as long as this.
  [[nodiscard]] virtual MoveTable& moves() = 0;

  [[nodiscard]] virtual Status PutToken(const TokenRow& row) = 0;
  [[nodiscard]] virtual Result<std::optional<TokenRow>> FindToken(std::string_view id) = 0;
  // ListTokens is by id, from the first after `after` ("": from the start).
  [[nodiscard]] virtual Result<std::vector<TokenRow>> ListTokens(std::string_view after,
                                                                 std::size_t limit) = 0;
  [[nodiscard]] virtual Status DeleteToken(std::string_view id) = 0;  // none of that id is success

  // AddUnloadWish returns the new id; row.id is ignored.
  [[nodiscard]] virtual Result<std::int64_t> AddUnloadWish(const UnloadWishRow& row) = 0;
  // DropUnloadWishes deletes those of this scope; DropUnloadWishesFrom those whose scope begins
  // with `beginning` (empty: all).
  [[nodiscard]] virtual Status DropUnloadWishes(std::string_view scope) = 0;
  [[nodiscard]] virtual Status DropUnloadWishesFrom(std::string_view beginning) = 0;
  [[nodiscard]] virtual Result<std::optional<UnloadWishRow>> FindUnloadWish(std::int64_t id) = 0;
  // NewestUnloadWish is the one with the highest id of these scopes, at the cost of their number.
  [[nodiscard]] virtual Result<std::optional<UnloadWishRow>> NewestUnloadWish(
      const std::vector<std::string>& scopes) = 0;
  // ListUnloadWishes is by id, from the first after `after`.
  [[nodiscard]] virtual Result<std::vector<UnloadWishRow>> ListUnloadWishes(std::int64_t after,
                                                                            std::size_t limit) = 0;
  [[nodiscard]] virtual Status PutUnloadState(const UnloadStateRow& row) = 0;  // by agent
  [[nodiscard]] virtual Result<std::optional<UnloadStateRow>> FindUnloadState(
      const AgentId& agent) = 0;

  [[nodiscard]] virtual Status AddEvent(const EventRow& row) = 0;  // row.id is ignored
  [[nodiscard]] virtual Result<std::vector<EventRow>> ListEvents(std::int64_t after,
                                                                 std::size_t limit) = 0;

  // AddHistory fails with kAlreadyExists if a line of that number is there.
  [[nodiscard]] virtual Status AddHistory(const HistoryRow& row) = 0;
  // ListHistory is by number, from the first after `after`.
  [[nodiscard]] virtual Result<std::vector<HistoryRow>> ListHistory(std::int64_t after,
                                                                    std::size_t limit) = 0;
  [[nodiscard]] virtual Result<std::optional<HistoryRow>> LastHistory() = 0;

  [[nodiscard]] virtual Result<std::optional<std::string>> GetMeta(std::string_view key) = 0;
  [[nodiscard]] virtual Status PutMeta(std::string_view key, std::string_view value) = 0;
};

// OpenSqlite opens or makes the SQLite registry (WAL, synchronous=FULL), and migrates it to the
// newest schema. `path`: a file, or ":memory:". kRefused: a newer schema, or the file of another
// program; kDamaged: no SQLite file; kPermissionDenied: unsafe permissions, with the command that
// mends them.
[[nodiscard]] Result<std::unique_ptr<Registry>> OpenSqlite(const std::string& path);

}  // namespace countersign::store
