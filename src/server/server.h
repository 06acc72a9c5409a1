#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "net/address.h"
#include "server/event_limiter.h"
#include "server/identity_book.h"
#include "server/reachability.h"
#include "server/waiting_room.h"
#include "server/world.h"
#include "wire/messages.h"

namespace countersign::server {

// HeldReport is a report that was judged and stored, and whose reply is not made yet.
struct HeldReport {
  wire::Report report;  // without what nobody asks for any more
};

// ReportAnswer is the answer to POST /countersign/v1/report.
struct ReportAnswer {
  int status = 400;  // 200 with a reply, 400 not a report, 403 forgotten key, 429, 503 (own fault)
  std::string reply;
  std::string nonce;         // for the field Countersign-Nonce; or empty
  unsigned retry_after = 0;  // seconds, with 429 and 503
  bool proved = false;       // of an admitted agent, and new: its source is worth a place
  // Set if there is nothing to say yet, and the agent waits: FinishReply makes the reply.
  std::optional<HeldReport> held = {};
};

// Call is one exchange that the dispatcher shall make: challenge, order, receipt on one connection.
struct Call {
  AgentId agent;
  Jti jti;
  net::IpAddress address;
  std::uint16_t port = 0;
  unsigned tries = 0;  // orders sent on this connection
  bool tls = false;    // its listener speaks TLS; nothing else is tried then
  Digest key{};        // of the agent, which its listener has to show
  // Set by the dispatcher: this connection is TLS, and the agent's key was shown on it. Nobody but
  // the agent reads what goes over it.
  bool is_private = false;
};

// The act that makes an agent report at once.
inline constexpr std::string_view kUpdateNow = "update-now";

// NextStep of a call after its receipt.
enum class CallNext {
  kEnded,     // a final verdict, or nothing more to do now
  kOnceMore,  // fetch a new challenge on the same connection and send again
};

// Orders says whether the reply to a report may bring orders. The mover reports in the agent's
// place (`?orders=later`): it carries none out, and one that it was given would count as under way.
enum class Orders : std::uint8_t { kGiven, kLater };

// Server is the logic of a management server, sans-I/O (protocol section 6): messages and times go
// in, answers and calls come out. Everything it knows for good is in the registry, and is durable
// when a function returns. Not thread-safe; `world` must outlive it.
class Server {
 public:
  static constexpr std::size_t kMaxOrdersInReply = wire::kMaxReplyOrders;
  static constexpr Seconds kNonceLifetime = std::chrono::hours(24 * 8);
  static constexpr Seconds kJtiLifetime = std::chrono::hours(24);
  static constexpr Seconds kRetryAfter = std::chrono::minutes(15);
  static constexpr std::uint32_t kMaxAttempts = 5;
  static constexpr Seconds kUnadmittedKept = std::chrono::hours(24 * 7);
  static constexpr Seconds kReserveAhead = std::chrono::hours(24 * 90);

  // Create loads the identity. A server without a certificate starts, and says so.
  [[nodiscard]] static Result<Server> Create(World world, store::ServerConfig config);

  [[nodiscard]] const IdentityBook& book() const { return book_; }
  [[nodiscard]] const store::ServerConfig& config() const { return config_; }
  [[nodiscard]] World& world() { return world_; }
  // Reload reads the identity anew, after a change of it (issuing.h), and judges every agent anew.
  [[nodiscard]] Status Reload(Instant now);
  void set_config(store::ServerConfig config, net::NetworkSet call_networks,
                  net::NetworkSet unreachable_networks = {});
  // web_keys are the digests of the web host's keys (at most 4), which replies tell agents.
  [[nodiscard]] const std::vector<Digest>& web_keys() const { return web_keys_; }
  void set_web_keys(std::vector<Digest> keys) { web_keys_ = std::move(keys); }

  // --- intake ---
  // `wait`: how long the agent waits for the answer; without it there is always one.
  [[nodiscard]] ReportAnswer TakeReport(std::string_view message, const net::IpAddress& source,
                                        Instant now, Seconds wait = Seconds(0),
                                        Orders orders = Orders::kGiven);
  // FinishReply makes the reply to a report that was held, by what is known now. The report is not
  // judged again.
  [[nodiscard]] ReportAnswer FinishReply(const HeldReport& held, Instant now);
  // waiting: who has a report here that was held. The caller enters and answers them.
  [[nodiscard]] WaitingRoom& waiting() { return waiting_; }
  [[nodiscard]] const WaitingRoom& waiting() const { return waiting_; }
  // TakePostedReceipt is POST /countersign/v1/receipt: the status (204, 400, 503).
  [[nodiscard]] int TakePostedReceipt(std::string_view message, Instant now);

  // --- dispatch ---
  // DueCalls claims orders that are due for agents that can be called, at most `limit`, and none
  // for agents in `busy`.
  [[nodiscard]] Result<std::vector<Call>> DueCalls(Instant now, std::size_t limit,
                                                   const std::set<AgentId>& busy);
  // SignCall signs the order of a call for this challenge. kRefused: it is not open any more.
  [[nodiscard]] Result<std::string> SignCall(const Call& call, std::string_view challenge,
                                             Instant now);
  [[nodiscard]] CallNext TakeReceipt(Call& call, std::string_view message, Instant now);
  // CallFailed: no receipt (`why`: "connection refused"). The order waits for the next attempt, or,
  // when all are used up, for the agent's own report.
  void CallFailed(const Call& call, std::string_view why, Instant now);
  // CallDropped: nothing was sent, for a reason of our own (`why`): the agent is not to blame.
  void CallDropped(const Call& call, std::string_view why, Instant now);
  // IsCallable: the server would call this address (protocol section 6).
  [[nodiscard]] bool IsCallable(const net::IpAddress& address,
                                std::string_view report_source) const;

  // AddressOf is where an agent can be called; nothing if it cannot, or is in a network where
  // nobody is called.
  [[nodiscard]] std::optional<net::IpAddress> AddressOf(const store::AgentRow& row) const;

  // reach judges who can be reached.
  [[nodiscard]] const ReachPolicy& reach() const { return reach_; }

  // AddOrders queues one order for each agent. All or none.
  struct OrderRequest {
    std::vector<AgentId> agents;
    std::string act;
    std::string args;  // JSON object or empty
    Seconds expires_after;
  };
  [[nodiscard]] Result<std::vector<Jti>> AddOrders(const OrderRequest& request, Instant now);

  // Tick does what time brings: lapsed orders, silent unadmitted agents, the reserve taking over,
  // the rollout, reminders. Call it about once a minute.
  void Tick(Instant now);

  // UnloadWishFor is what counts for an agent of this id and domain, if anything was said.
  [[nodiscard]] Result<std::optional<store::UnloadWishRow>> UnloadWishFor(
      const AgentId& agent, std::string_view domain) const;
  // AdvanceUnload asks some more agents after a word for many (BeginAskingUnload). Call it about
  // once a second; it costs little where there was none.
  void AdvanceUnload(Instant now);
  // AskUnload queues the order that the agent's wish demands, unless it has it. REQUIRES: within a
  // transaction; there is a private way to it, and it may be commanded.
  [[nodiscard]] Status AskUnload(const store::AgentRow& row, Instant now);
  // NoteUnload notes the answer to such an order, when it has ended.
  [[nodiscard]] Status NoteUnload(const store::OrderRow& order, Instant now);

  // LoadRollout reads it anew, after a change of it that changed no certificate.
  [[nodiscard]] Status LoadRollout();
  // rollout is the one under way.
  [[nodiscard]] const std::optional<store::RolloutRow>& rollout() const { return rollout_; }
  // AdvanceRollout asks some more agents of the wave, and moves the rollout on by what agents
  // answered since. Call it about once a second; it costs nothing where nothing happened.
  void AdvanceRollout(Instant now);
  // GateShown notes that a person has seen whom the gate names. REQUIRES: as CountRollout.
  [[nodiscard]] Status GateShown(Instant now);
  // CountRollout is how far it is. REQUIRES: a rollout is under way.
  [[nodiscard]] Result<trust::RolloutCounts> CountRollout();

  // AdvanceMove orders some more agents away, and takes the campaign on by what agents answered
  // (move.h). Call it about once a second; it costs little where none is under way.
  void AdvanceMove(Instant now);
  // GiveOrder queues one order; whether the agent may be commanded is the caller's matter.
  // REQUIRES: within a transaction.
  [[nodiscard]] Status GiveOrder(const AgentId& agent, std::string act, std::string args,
                                 Seconds expires_after, Instant now);

  // MayCommand: orders for this agent are taken and signed at all (else trust updates only).
  [[nodiscard]] static bool MayCommand(const store::AgentRow& row) {
    return row.admitted && !row.cloned && !row.forgotten && row.successor.is_nil() &&
           row.standing != "moved";
  }

  // RetireEarlier retires the rows of agents that need hands, or are exposed, and whose place this
  // one, admitted and proved, has taken: same host name, same address and port, and silent since
  // before it was first seen. One that speaks again is retired no more.
  [[nodiscard]] Status RetireEarlier(const store::AgentRow& row, Instant now);

  // Rejudge stores the standing of a row by the present identity (and an event if it changed).
  [[nodiscard]] Status Rejudge(store::AgentRow& row, Instant now);

 private:
  // What proved a message new, and what was noted when it was given.
  struct Proof {
    std::uint64_t noted_seq = 0;
    std::uint64_t epoch = 0;
  };
  // Which certificate signs to an agent, and the bundle that goes with it.
  struct Signing {
    const IdentityBook::Entry* entry = nullptr;
    std::vector<Bytes> bundle;  // empty: the agent holds it
    ServerId iss;
  };

  Server(World world, store::ServerConfig config, IdentityBook book)
      : world_(world), config_(std::move(config)), book_(std::move(book)) {}

  // What an agent is thought to hold.
  struct Believes {
    Digest held;
    Digest owner;
    ServerId server;
  };
  enum class Offer { kNot, kMay };  // the pending certificate may be offered with this message
  [[nodiscard]] Result<Signing> ChooseSigning(const store::AgentRow& row, const Believes& believes,
                                              Offer offer, Instant now);
  // OfferPending offers the pending certificate to this agent, if its wave has come, and notes it.
  [[nodiscard]] Result<bool> OfferPending(const store::AgentRow& row, Instant now);
  // JudgeOffer notes what a proved message of `row` says of what it was offered.
  enum class Answered { kByReport, kByReceipt };
  [[nodiscard]] Status JudgeOffer(store::AgentRow& row, Answered answered, Instant now);
  static void TakeAnswer(store::AgentRow& row, Answered answered, store::OfferRow& offer);
  [[nodiscard]] Status ForgetOffers(const store::AgentRow& row);
  [[nodiscard]] Status AskSome(Instant now);
  [[nodiscard]] Status Ask(const store::AgentRow& row, store::RolloutRow& rollout, Instant now);
  [[nodiscard]] Status MoveRollout(Instant now);
  [[nodiscard]] Status AskUnloadAfter(std::string_view last, Instant now);
  [[nodiscard]] store::OrderRow NewOrder(const AgentId& agent, std::string act, std::string args,
                                         Seconds expires_after, Instant now);
  [[nodiscard]] Result<std::shared_ptr<const crypto::Signer>> SignerOf(
      const IdentityBook::Entry& entry) const;

  [[nodiscard]] Result<ReportAnswer> IntakeReport(const wire::SignedReport& report,
                                                  std::string_view message,
                                                  const net::IpAddress& source, Instant now,
                                                  Seconds wait, Orders orders);
  [[nodiscard]] Result<std::optional<store::AgentRow>> FindOrRegister(
      const wire::SignedReport& message, const net::IpAddress& source, Instant now);
  [[nodiscard]] Status TakeProvedReport(store::AgentRow& row, const wire::Report& report,
                                        const net::IpAddress& source, const Proof& proof,
                                        Instant now);
  [[nodiscard]] Result<bool> MayRegister(const wire::SignedReport& report,
                                         const net::IpAddress& source, Instant now);
  [[nodiscard]] Result<std::optional<store::TokenRow>> FindProvedToken(const wire::Report& report,
                                                                       Instant now);
  [[nodiscard]] Status Admit(store::AgentRow& row, const wire::Report& report, Instant now);
  // TakeArrival notes that an announced agent reports here; once it is proved, it is admitted.
  enum class Proved { kNo, kYes };
  [[nodiscard]] Status TakeArrival(store::AgentRow& row, const wire::Report& report, Proved proved,
                                   Instant now);
  // TakeLeaving believes a proved message of an agent that it trusts another server now.
  [[nodiscard]] Status TakeLeaving(store::AgentRow& row, const ServerId& to, Instant now);
  // NoteWhereabouts does both by what the newest proved message says that it holds.
  [[nodiscard]] Status NoteWhereabouts(store::AgentRow& row, bool leaving, Instant now);
  // TakeReturn: an agent that had left proves to hold this server's certificate again.
  [[nodiscard]] Status TakeReturn(store::AgentRow& row, Instant now);
  [[nodiscard]] Result<bool> Accepts(const store::AgentRow& row, const wire::Report& report,
                                     Instant now);
  void TakeReportFields(store::AgentRow& row, const wire::Report& report,
                        const net::IpAddress& source);
  void TakeFailures(store::AgentRow& row, const wire::Report& report);
  [[nodiscard]] Status TakeBundle(store::AgentRow& row, const wire::Report& report, Instant now);
  [[nodiscard]] Status TellRewound(const store::AgentRow& row, std::uint64_t generation,
                                   Instant now);
  void ApplyHeld(store::AgentRow& row, const wire::Held& held);
  [[nodiscard]] bool IsClaim(const wire::Held& held) const;
  [[nodiscard]] bool IsReserveOf(const wire::Held& held) const;
  [[nodiscard]] static bool IsOvertaken(const store::AgentRow& row, std::uint64_t seq,
                                        const Proof& proof);
  [[nodiscard]] Status ApplyProved(store::AgentRow& row, const wire::Held& held, std::uint64_t seq,
                                   const Instance& instance, std::uint64_t time, const Proof& proof,
                                   Instant now);
  [[nodiscard]] Status KeepProof(const store::AgentRow& row, const wire::Held& held,
                                 store::ProofKind kind, std::string_view message, Instant now);
  [[nodiscard]] Status JudgeInstance(store::AgentRow& row, const Instance& instance,
                                     const Proof& proof, Instant now);
  // A reply without its nonce, and who signs it.
  struct ReplyDraft {
    wire::Reply reply;
    std::shared_ptr<const crypto::Signer> signer;
  };
  [[nodiscard]] Result<ReplyDraft> DraftReply(store::AgentRow& row, const wire::Report& report,
                                              bool proved, Orders orders, Instant now);
  // SendReply gives the nonce and stores the row.
  [[nodiscard]] Result<ReportAnswer> SendReply(store::AgentRow& row, ReplyDraft draft, bool proved,
                                               Instant now);
  [[nodiscard]] bool MayHold(const store::AgentRow& row, const wire::Reply& reply,
                             const net::IpAddress& source) const;
  [[nodiscard]] Status LoadServedTime();
  void KeepServing(Instant now);
  [[nodiscard]] Status NoteServing(ServedTime& served, bool is_start, Instant now);
  [[nodiscard]] Result<std::vector<std::string>> OrdersForReply(const store::AgentRow& row,
                                                                const wire::Report& report,
                                                                const Signing& signing,
                                                                Instant now);
  enum class WithBundle { kNo, kYes };  // an order in a reply has none: the reply has it
  [[nodiscard]] Result<std::string> SignVersion(store::OrderRow& order, const store::AgentRow& row,
                                                const Signing& signing, WithBundle with_bundle,
                                                std::string_view challenge, Instant now);
  // RefreshJti keeps the rule of section 5 on the age of a jti. False: the order is not open any
  // more.
  [[nodiscard]] Result<bool> RefreshJti(store::OrderRow& order, Instant now);
  [[nodiscard]] Result<bool> BelieveReceipt(const wire::SignedReceipt& receipt,
                                            std::string_view message, store::OrderRow& order,
                                            store::AgentRow& row, ReachPolicy::Way way,
                                            Instant now);
  void EndVersion(store::OrderRow& order, const wire::Receipt& receipt, Instant now);
  [[nodiscard]] Status Event(std::string_view kind, const AgentId* agent, std::string text,
                             Instant now);
  // EventOf records what an agent can make happen again and again: once in an hour (EventLimiter).
  [[nodiscard]] Status EventOf(const store::AgentRow& row, std::string_view kind, std::string text,
                               Instant now);
  void PromoteReserveIfDue(Instant now);
  void ReleaseKept(Instant now);
  void Remind(Instant now);

  World world_;
  store::ServerConfig config_;
  net::NetworkSet call_networks_;
  std::vector<Digest> web_keys_;
  ReachPolicy reach_;
  WaitingRoom waiting_;
  EventLimiter events_;
  Instant served_until_;  // as it is stored; none: not yet in this process
  IdentityBook book_;
  std::uint64_t refused_unadmitted_ = 0;  // reports beyond the limits since the last Tick
  // When unadmitted agents were registered within the last minute, by source.
  std::map<std::string, std::vector<Instant>> newcomers_;
  std::optional<store::RolloutRow> rollout_;
  bool offers_changed_ = false;     // since the rollout was last moved on
  std::uint64_t most_answers_ = 0;  // taken and refused, ever
  Instant look_again_;              // to move it on then, if nobody answers
  bool reserve_is_held_ = false;    // an agent has seen the reserve in use: this server was rewound
};

}  // namespace countersign::server
