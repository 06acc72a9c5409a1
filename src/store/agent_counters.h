#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "store/agent_files.h"
#include "wire/messages.h"

namespace countersign::store {

// AgentCounters is the small state of an agent beside its trust (protocol section 3): `seq`,
// reserved durably in blocks; how often what was refused, and from where; the history head; the
// report interval that an order set. Used from one thread. `storage` must outlive it.
class AgentCounters {
 public:
  static constexpr std::uint64_t kSeqBlock = 1'024;
  static constexpr std::size_t kMaxRows = 256;
  static constexpr std::uint64_t kMaxJump = std::uint64_t{1} << 32;

  // Load fails with kDamaged on a wrong checksum.
  [[nodiscard]] static Result<AgentCounters> Load(AgentStorage& storage);

  // NextSeq returns a number that no earlier process used either. Fails if a new block cannot be
  // reserved durably.
  [[nodiscard]] Result<std::uint64_t> NextSeq();
  // Jump makes the next seq greater than `above`; more than kMaxJump ahead is refused (kRefused).
  [[nodiscard]] Status Jump(std::uint64_t above);

  // CountFailure remembers one refusal. Beyond kMaxRows distinct pairs they count as "others".
  void CountFailure(trust::Verdict verdict, std::string_view source, Instant now);
  // FailuresToReport: the largest counts first, at most wire::kMaxFailures rows, the rest summed
  // under "others".
  [[nodiscard]] std::vector<wire::Failure> FailuresToReport() const;
  // Reported takes back what a verified reply confirmed: the rows of `before` (AllFailures at the
  // time of the report).
  using FailureKey = std::pair<trust::Verdict, std::string>;
  using FailureMap = std::map<FailureKey, wire::Failure>;
  [[nodiscard]] const FailureMap& AllFailures() const { return failures_; }
  void Reported(const FailureMap& before);

  [[nodiscard]] const std::string& head() const { return head_; }
  void set_head(std::string head);

  // own_interval: seconds between two reports that an order asked for; 0: none did.
  [[nodiscard]] Seconds own_interval() const { return own_interval_; }
  void set_own_interval(Seconds interval);

  // Save writes what changed since the last Save or reservation, durably; nothing if nothing did.
  [[nodiscard]] Status Save();

 private:
  explicit AgentCounters(AgentStorage& storage) : storage_(&storage) {}
  [[nodiscard]] Bytes Encode() const;
  [[nodiscard]] Status Decode(ByteView file);

  AgentStorage* storage_;
  std::uint64_t next_seq_ = 1;
  std::uint64_t reserved_ = 0;  // the highest that may be used without a new reservation
  FailureMap failures_;
  std::string head_;
  Seconds own_interval_{0};
  bool changed_ = false;
};

}  // namespace countersign::store
