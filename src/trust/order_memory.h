#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "base/time.h"
#include "trust/verdict.h"

namespace countersign::trust {

// OrderEntry is what an agent remembers of one order (protocol section 3).
struct OrderEntry {
  enum class State : std::uint8_t { kStarted = 1, kDone = 2 };
  Jti jti;
  Digest certificate;  // thumbprint of the certificate held when it came
  Instant at;          // by the agent's clock
  State state = State::kStarted;
  Verdict verdict = Verdict::kRunning;  // once done
  std::string result;                   // JSON object as serialised, or empty
  bool operator==(const OrderEntry&) const = default;
};

// OrderMemory makes sure that no order runs twice. Pure: the caller appends what Start and Finish
// return to the file, durably, *before* it runs the action or answers; and while NeedsCompaction()
// it first replaces the file by Encode(). Not thread-safe.
class OrderMemory {
 public:
  static constexpr std::size_t kKeepNewest = 4'096;
  static constexpr Seconds kKeepFor = std::chrono::hours(48);
  static constexpr std::size_t kMaxHeld = 16'384;     // under the certificate held
  static constexpr std::size_t kMaxEarlier = 16'384;  // under all earlier ones together
  static constexpr std::size_t kMaxResultLen = 4'096;
  static constexpr std::size_t kMaxFileLen = 256 * 1024 * 1024;

  OrderMemory() = default;

  // Parse reads the file: records of {length, entry, checksum}. A torn record at the very end,
  // which a power cut may leave, is dropped (it was never acted upon); anything else wrong is
  // kDamaged: also if a whole record follows it. Orders that had begun are interrupted from now on.
  // Caller must still: call TrustMoved with the certificate held, since a file may bring back what
  // was dropped, and compact if asked to.
  [[nodiscard]] static Result<OrderMemory> Parse(ByteView file);
  // Encode writes the whole memory anew (compaction).
  [[nodiscard]] Bytes Encode() const;

  // Seen is step 8 of section 5 for a jti that may be known: what to answer, if it is.
  struct Before {
    Verdict verdict;  // kDoneBefore, kRunning or kInterrupted
    const OrderEntry* entry;
  };
  [[nodiscard]] std::optional<Before> Seen(const Jti& jti) const;

  // Start records a new order under the certificate held and returns the record to append, or
  // nothing when the share of that certificate is full (kBusy): the order is not recorded then.
  // REQUIRES: !Seen(jti).
  [[nodiscard]] std::optional<Bytes> Start(const Jti& jti, const Digest& certificate, Instant now);
  // Forget takes back a Start whose record could not be written (kCannotRecord). The file may hold
  // a part of the record, so it needs compaction.
  void Forget(const Jti& jti);
  // Finish stores verdict and result and returns the record to append. A result over kMaxResultLen
  // is not kept. REQUIRES: Seen(jti) says kRunning; `verdict` is one of steps 9 and 10.
  [[nodiscard]] Bytes Finish(const Jti& jti, Verdict verdict, std::string result, Instant now);

  // TrustMoved makes room after a change of trust: beyond kMaxEarlier entries under earlier
  // certificates the oldest are dropped (but none that runs in this process).
  void TrustMoved(const Digest& held);

  // NeedsCompaction: the file must be written anew before the next append, because its end may be
  // torn or its dates are far ahead, or should be, because it holds more than twice the records
  // that are remembered.
  [[nodiscard]] bool NeedsCompaction() const;
  void Compacted();  // Encode() has become the file
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Slot {
    OrderEntry entry;
    std::uint64_t order = 0;   // of arrival
    bool interrupted = false;  // started by an earlier process
    [[nodiscard]] bool running() const {
      return entry.state == OrderEntry::State::kStarted && !interrupted;
    }
  };
  [[nodiscard]] bool Take(const OrderEntry& entry);  // a record of the file; false: contradiction
  void Insert(const OrderEntry& entry, bool interrupted);
  void DateAnew(Instant now);
  void DropOld(Instant now);
  void Drop(std::uint64_t order);

  std::map<Jti, Slot> entries_;
  std::map<std::uint64_t, Jti> by_order_;  // oldest first
  std::map<Digest, std::size_t> per_certificate_;
  std::uint64_t next_order_ = 1;
  Instant latest_;  // no entry is dated after it
  std::size_t records_in_file_ = 0;
  bool must_rewrite_ = false;
};

}  // namespace countersign::trust
