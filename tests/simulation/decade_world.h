#pragma once

// Private to decade*.cc: the world of ten years.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/decade.h"
#include "tests/simulation/machine.h"
#include "tests/simulation/seeded_openssl.h"
#include "tests/simulation/site.h"

namespace countersign::simulation {

inline constexpr SimTime kDay = 24 * kHour;
inline constexpr SimTime kYear = 365 * kDay;

// Member is a machine, and what is known of its past.
struct Member {
  std::unique_ptr<Machine> machine;
  SimTime mean_sleep = 0;       // between two times at which it is on
  std::size_t good_in_row = 0;  // exchanges that worked, with the certificate that it holds
  SimTime last_good = 0;
  bool set_back = false;         // restored, or a clone, and not heard of by the server since
  bool cloned = false;           // it is one of two with one key
  bool dueled = false;           // both of them talked to this server's registry within a day
  bool foreign = false;          // of the fleet that was brought in
  bool led_astray = false;       // by the thief, to what nobody had offered it
  bool may_be_stranded = false;  // a gate named it
  std::optional<testing::AgentDisk::Files> backup = {};

  // HasTold: the server has proof of what it holds.
  [[nodiscard]] bool HasTold() const { return good_in_row >= 3; }
};

class Decade {
 public:
  explicit Decade(const DecadeOptions& options);
  DecadeOutcome Run();

 private:
  // --- the story (decade.cc) ---
  void Until(SimTime end);
  // Every calls `what` now and then, on average each `mean`, while the world is at fault.
  void Every(SimTime mean, const std::function<void()>& what);
  // Once calls `what` at some time between.
  void Once(SimTime from, SimTime to, const std::function<void()>& what);
  void Install(const crypto::Certificate& certificate);
  void InstallOne();
  void MakeStory();
  void SleepAndWake(std::size_t member);
  [[nodiscard]] Member& Any() { return *members_[chance_.Index(members_.size())]; }
  [[nodiscard]] testing::Fate DiskFate();

  // --- exchanges (decade_exchange.cc) ---
  enum class Net { kGood, kBad };
  // Session: a machine is on, and talks to the server as long as it has something to say soon.
  void Session(Member& member, int steps);
  void Step(Member& member, int steps);
  [[nodiscard]] bool IsInOrder(const Member& member);
  // Exchange is a report and its reply; true if nothing went wrong on the way.
  bool Exchange(Member& member, Net net);
  bool AfterExchange(Member& member, const trust::TrustState& before, bool good);
  void PostReceipts(const std::vector<std::string>& receipts, Net net);
  void Order(Member& member, const char* act);
  void Call(Member& member);
  void MakeCall(Member& member, server::Call call);
  void Duel(Member& original, Member& clone);
  void Record(std::vector<std::string>& kept, const std::string& message);

  // --- rollouts (decade_rollout.cc) ---
  void BeginRollout();
  void SteerRollout();
  void FinishRollout();
  void AbortRollout();
  void GiveAbortedUp();
  [[nodiscard]] bool IsStranded(const Member& member) const;
  void CheckNotStranded(Member& member);

  // --- the owner and the server (decade_owner.cc) ---
  void OwnerActs();
  void Replace(bool compromised);
  void Discover();
  void BringFleetIn();
  void BackUpServer();
  void RestoreServer();
  void MendServer();
  void CloneSomebody();
  void HurtAgent();
  void SetSomeClock();
  void Freeze();

  // --- the thief (decade_thief.cc) ---
  void StealKey();
  void StealDisk();
  void ThiefActs();
  void Attack(Member& member);
  void ForgedOrder(Member& member);
  void ForgedReply(Member& member);
  void StolenServer(Member& member);
  void Replay(Member& member);
  [[nodiscard]] bool HasHeard(const Member& member) const;

  // --- what must be true (decade_checks.cc) ---
  void CheckExposure(Member& member);
  void CheckAll();
  // WorstCommands: a thief with every key up to the revoked ones runs an order there.
  [[nodiscard]] bool WorstCommands(const Member& member, std::uint64_t revoked) const;
  [[nodiscard]] std::optional<std::vector<Bytes>> BundleTo(const StolenKey& key,
                                                           const trust::TrustState& trust) const;
  [[nodiscard]] bool TryWorst(const Member& member, std::uint64_t revoked);
  // ThiefCommands: the one of this world, with what was stolen.
  [[nodiscard]] bool ThiefCommands(const Member& member) const;
  void EndFaults();
  void Mend();
  [[nodiscard]] bool AllUpToDate();
  void CheckEnd();
  void CheckObeys(Member& member);

  DecadeOptions options_;
  SeededOpenSsl openssl_;
  Chance chance_;
  Scheduler scheduler_;
  Trace trace_;
  Checker checker_;
  Ground ground_;
  testing::TestAuthority authority_;
  Site site_;
  Forger forger_;
  std::vector<std::unique_ptr<Member>> members_;
  DecadeOutcome outcome_;

  bool at_fault_ = true;
  bool frozen_ = false;
  bool disk_failed_ = false;       // in the exchange under way
  std::size_t disk_failures_ = 0;  // of all machines
  bool rewound_ = false;           // the server was set back, and no certificate made since
  std::optional<Site::Copy> backup_;
  std::optional<testing::Identity> foreign_;  // of the fleet that was, or will be, brought in
  bool fleet_is_in_ = false;

  bool stolen_ = false;
  bool discovered_ = false;
  bool obeyed_ = false;             // a reply of the thief's was not refused
  std::uint64_t revoked_ever_ = 0;  // the highest generation that was ever revoked
  std::uint64_t stolen_ever_ = 0;   // the highest that the thief had when he was noticed
  std::unique_ptr<Site> thief_;     // the stolen disk, running
  std::vector<std::string> orders_, replies_, reports_;  // recorded
};

}  // namespace countersign::simulation
