#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/acts.h"
#include "agent/poll_plan.h"
#include "agent/rate_limiter.h"
#include "base/log.h"
#include "base/random.h"
#include "base/time.h"
#include "crypto/keys.h"
#include "store/agent_counters.h"
#include "store/agent_files.h"
#include "trust/challenge.h"
#include "trust/identity.h"
#include "trust/order_memory.h"
#include "trust/trust_state.h"
#include "wire/messages.h"
#include "wire/registration.h"

namespace countersign::wire {
struct Judgement;
}
namespace countersign::store {
struct Policy;
}

namespace countersign::agent {

class UnloadLock;
struct UnloadKey;

// World is what an agent is given. Everything in it must outlive the agent.
struct World {
  store::AgentStorage& storage;
  const crypto::Signer& key;  // the agent key
  RandomSource& random;
  Log& log;
  trust::DistrustList distrust;
  UnloadLock* unload = nullptr;  // none: no unload password can be set at this agent
};

// OrderAnswer is what the listener sends for POST /countersign/v1/order.
struct OrderAnswer {
  int status = 200;  // 200 with a receipt, 429 (retry_after seconds), 503 (own disk or key fails)
  std::string receipt;
  unsigned retry_after = 0;
  // Set while the act runs: hold the answer back until PendingReceipt has one, at most 20 s, and
  // send RunningReceipt then.
  std::optional<Jti> pending;
};

// Agent is the logic of one agent, sans-I/O (protocol sections 3 to 6): messages and times go in,
// answers come out; its disk is the AgentStorage, written durably before anything depends on it.
// After a failed write of the storage the agent stays consistent with the disk. Not thread-safe.
class Agent {
 public:
  static constexpr Seconds kMaxSilence = std::chrono::hours(24);  // longest report interval
  static constexpr Uptime kAnswerWithin = Uptime(20'000);
  static constexpr Uptime kFailuresWithin = std::chrono::minutes(60);

  // Create loads trust, order memory and counters. Fails if one is missing or damaged.
  [[nodiscard]] static Result<std::unique_ptr<Agent>> Create(World world,
                                                             wire::AgentProfile profile, Times now);

  [[nodiscard]] const AgentId& id() const { return id_; }
  [[nodiscard]] const trust::TrustState& trust() const { return trust_; }
  [[nodiscard]] const Instance& instance() const { return instance_; }
  [[nodiscard]] store::AgentCounters& counters() { return counters_; }
  // SetProfile is what reports say of this machine from now on (agent.toml was read anew).
  void SetProfile(wire::AgentProfile profile) { profile_ = std::move(profile); }

  // --- listener ---
  // DrawChallenge: the body's value of GET /challenge. Constant work, no state.
  [[nodiscard]] std::string DrawChallenge(Times now);
  // TakeOrder: steps 1 to 10 for an order that came to the listener. `source`: IPv4 address or
  // IPv6 /64 as text.
  [[nodiscard]] OrderAnswer TakeOrder(std::string_view message, std::string_view source, Times now);
  // PendingReceipt: the receipt of an act that has ended, once.
  [[nodiscard]] std::optional<std::string> PendingReceipt(const Jti& jti, Times now);
  // RunningReceipt: the answer when it has not ended in time, or nobody waits any more; its own
  // receipt is dropped then (the server asks again and is answered `done-before`).
  [[nodiscard]] std::optional<std::string> RunningReceipt(const Jti& jti, Times now);

  // --- reports ---
  [[nodiscard]] Uptime NextReportAt() const;
  void ReportSoon(Times now, Uptime within);
  // MakeReport starts an exchange with the server: the body to POST. One at a time: an earlier one
  // without an answer counts as failed. Fails if no seq can be reserved.
  // kPinned: it will be sent over TLS to a web host whose key this agent knew beforehand.
  enum class Channel { kOpen, kPinned };
  [[nodiscard]] Result<std::string> MakeReport(Times now, Channel channel = Channel::kOpen);
  // report_wait: for how many seconds the report made last waits for its answer (`?wait=`); 0: not.
  [[nodiscard]] Seconds report_wait() const { return poll_.current(); }
  // TakeReply judges the answer (status 200) to the report made last. `nonce_field`: the field
  // Countersign-Nonce, or empty. Returns the receipts of orders in it to POST, and the verdict if
  // the reply was refused.
  struct ReplyOutcome {
    std::optional<trust::Verdict> refused;
    bool trust_moved = false;
    bool proved = false;    // verified, and the report had a nonce: the server knows that it is new
    bool accepted = false;  // the verified reply says that the server admits this agent
    std::vector<std::string> receipts;
    std::vector<Digest> web;  // the web host's keys, if the reply was verified and names any
  };
  [[nodiscard]] ReplyOutcome TakeReply(std::string_view message, std::string_view nonce_field,
                                       Times now);
  // ReportFailed: no reply came (`why` for the log). Backs off. `retry_after`: seconds that the
  // server asked for, or 0.
  void ReportFailed(std::string_view why, unsigned retry_after, Times now);

  // ReportRecalled: the report made last was given up while it waited, because another was due.
  void ReportRecalled(Times now);

  // TakeReceipts returns receipts of acts that were ordered in a reply and have ended since: POST
  // them to the server.
  [[nodiscard]] std::vector<std::string> TakeReceipts();

  // --- acts ---
  // acts: what this agent can do; ping, report, update-now, restart, move, set-interval and run are
  // there.
  [[nodiscard]] Acts& acts() { return acts_; }
  // SetPolicy: which acts the local administrator allows, from now on (the safe default at first).
  // `trouble`: why the file with it was not taken, or empty.
  void SetPolicy(std::shared_ptr<const store::Policy> policy, std::string trouble);
  [[nodiscard]] const store::Policy& policy() const { return *policy_; }
  [[nodiscard]] const std::string& policy_trouble() const { return policy_trouble_; }
  // TakeTasks returns what acts have left to the daemon since, each once: carry it out and call
  // EndAct. One that is given up (the agent ends) stays `started` and becomes `interrupted`.
  [[nodiscard]] std::vector<Task> TakeTasks() { return std::exchange(tasks_, {}); }
  // EndAct stores verdict and result of a task, and makes its receipt: PendingReceipt or
  // TakeReceipts has it then. Unknown orders are passed over. `result`: a JSON object of at most
  // wire::kMaxResultLen octets, or empty.
  void EndAct(const Jti& jti, trust::Verdict verdict, const std::string& result, Times now);
  // restart_wanted: an order has asked for it, and its receipt is made. Post it first.
  [[nodiscard]] bool restart_wanted() const { return restart_wanted_; }
  // interval: seconds between two reports: the smaller one of what the server's replies say and
  // what an order set for this agent (0: none did), which lasts across restarts.
  [[nodiscard]] Seconds interval() const;
  [[nodiscard]] Seconds own_interval() const { return counters_.own_interval(); }

  // AdoptTrust replaces the trust state by local authority (the mover has decided and verified).
  [[nodiscard]] Status AdoptTrust(const trust::TrustState& state, Times now);
  // PassUnload succeeds if the key passes the unload password, or none is set; a warrant that does
  // is used up durably then. Errors as UnloadLock::Pass, kIo if the warrant cannot be kept.
  [[nodiscard]] Status PassUnload(const UnloadKey& key, Times now);
  // Save writes counters that changed; call it about once a minute and at the end.
  [[nodiscard]] Status Save() { return counters_.Save(); }

 private:
  // How the receipt of an order travels. kNobody: `running` was answered; asked again, it says
  // `done-before`.
  enum class Way { kListener, kReply, kNobody };
  // A started act whose end is not known yet.
  struct Running {
    Way way = Way::kListener;
    Digest oh{};
    ServerId server;  // that gave the order: the act may end under another one
    // Ends with the answer to a report made after this one; nothing: ends with EndAct.
    std::optional<std::uint64_t> after_report = std::nullopt;
    bool is_program = false;
    std::string receipt = {};  // once ended
    Uptime ended_at{};
  };
  struct Verdicts {  // what a receipt says
    trust::Verdict verdict;
    std::optional<wire::Receipt::Earlier> earlier = std::nullopt;
    std::string result = {};
  };

  Agent(World world, wire::AgentProfile profile, trust::TrustState trust, trust::OrderMemory memory,
        store::AgentCounters counters, Times now);

  [[nodiscard]] Status CommitTrust(const trust::TrustState& next);
  // Settle does what follows from steps 2 to 7: the challenge is used up, trust that moved is
  // committed. Returns why the message is refused, if it is.
  [[nodiscard]] std::optional<trust::Verdict> Settle(const wire::Judgement& judgement,
                                                     std::string_view challenge, Times now);
  [[nodiscard]] Status AppendOrderRecord(ByteView record);
  // Steps 8 to 10; nothing while the act runs.
  [[nodiscard]] std::optional<Verdicts> RunOnce(const wire::SignedOrder& order, Way way, Times now);
  [[nodiscard]] std::optional<Verdicts> Act(const wire::SignedOrder& order, Way way, Times now);
  [[nodiscard]] Verdicts Finish(const Jti& jti, trust::Verdict verdict, std::string result,
                                Times now);
  void FinishRunning(trust::Verdict verdict, const std::string& result, Times now);
  // EndOne returns whether the entry may go: its receipt is posted, or nobody's.
  [[nodiscard]] bool EndOne(const Jti& jti, Running& running, trust::Verdict verdict,
                            const std::string& result, Times now);
  void AddBuiltInActs();
  [[nodiscard]] ActOutcome SetInterval(const ActOrder& order);
  [[nodiscard]] ActOutcome Restart(const ActOrder& order);
  [[nodiscard]] ActOutcome RunHook(const ActOrder& order) const;
  // Whether the act runs a program, and as many as may run at once do.
  [[nodiscard]] bool IsFull(std::string_view act) const;
  [[nodiscard]] std::optional<std::string> Receipt(const std::optional<Jti>& order,
                                                   const Digest& oh, Verdicts verdicts, Times now);
  [[nodiscard]] std::optional<std::string> ReceiptFor(const ServerId& server,
                                                      const std::optional<Jti>& order,
                                                      const Digest& oh, Verdicts verdicts,
                                                      Times now);
  void TakeReplyOrders(const wire::Reply& reply, ReplyOutcome& outcome, Times now);
  void ApplyReply(const wire::Reply& reply, Times now);
  void TakeHead(std::string_view head, Times now);
  void CountFailure(trust::Verdict verdict, std::string_view source, std::string_view what,
                    Times now);
  void DateFailures(Times now);
  [[nodiscard]] Uptime Jitter(Uptime most);

  World world_;
  wire::AgentProfile profile_;
  AgentId id_;
  Instance instance_;
  trust::TrustState trust_;
  trust::OrderMemory memory_;
  bool memory_torn_ = false;  // the file may end in a part of a record
  store::AgentCounters counters_;
  trust::ChallengeKeeper challenges_;
  RateLimiter limiter_;
  std::map<Jti, Running> running_;
  std::vector<std::string> receipts_;
  Acts acts_;
  std::vector<Task> tasks_;
  std::shared_ptr<const store::Policy> policy_;
  std::string policy_trouble_;
  bool restart_wanted_ = false;
  Uptime started_at_{};

  // The report under way.
  std::optional<std::string> report_challenge_;
  std::uint64_t report_number_ = 0;  // of the report made last
  bool report_had_echo_ = false;
  store::AgentCounters::FailureMap report_failures_;

  std::optional<Nonce> verified_nonce_;
  std::optional<Nonce> field_nonce_;
  bool want_bundle_ = false;
  Seconds server_interval_ = std::chrono::hours(1);
  unsigned failed_reports_ = 0;
  PollPlan poll_;
  // The next report is due at the earliest of: its turn; what an order asked for, which no answer
  // to an earlier report puts off; failures that have waited for long enough.
  Uptime next_report_at_{};
  std::optional<Uptime> asked_report_at_;
  std::optional<Uptime> failures_due_at_;
};

}  // namespace countersign::agent
