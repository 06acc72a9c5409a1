#include "trust/order_memory.h"

#include <algorithm>

#include "crypto/hash.h"

namespace countersign::trust {
namespace {

constexpr std::size_t kLengthLen = 4;
constexpr std::size_t kChecksumLen = 8;
constexpr std::size_t kMaxBodyLen = 16 + 32 + 8 + 1 + 1 + 4 + OrderMemory::kMaxResultLen;
constexpr std::int64_t kLastDate = (std::int64_t{1} << 53) - 1;

std::unexpected<Error> Damaged(std::size_t left) {
  return Fail(Code::kDamaged,
              "the order memory is damaged " + std::to_string(left) + " bytes before its end",
              "countersign-agentd install makes the agent anew");
}

// A date that arithmetic cannot overflow, however wrong the clock.
Instant Sane(Instant at) { return FromUnix(std::clamp<std::int64_t>(ToUnix(at), 0, kLastDate)); }

// Record: 4-byte length of the entry, the entry, the first 8 bytes of its SHA-256.
Bytes EncodeRecord(const OrderEntry& entry) {
  Writer body;
  body.Raw(entry.jti.bytes()).Raw(entry.certificate);
  body.U64(static_cast<std::uint64_t>(ToUnix(entry.at)));
  body.U8(static_cast<std::uint8_t>(entry.state)).U8(static_cast<std::uint8_t>(entry.verdict));
  body.Prefixed(AsBytes(entry.result));
  Writer record;
  record.Prefixed(body.bytes());
  record.Raw(ByteView(crypto::Sha256(body.bytes())).first(kChecksumLen));
  return record.Take();
}

// What steps 9 and 10 store; a started order has no verdict yet.
bool CanBeStored(OrderEntry::State state, Verdict verdict) {
  if (state == OrderEntry::State::kStarted) return verdict == Verdict::kRunning;
  return verdict == Verdict::kDone || verdict == Verdict::kFailed ||
         verdict == Verdict::kUnknownAction || verdict == Verdict::kNotAllowed ||
         verdict == Verdict::kBadWarrant;
}

std::optional<OrderEntry> ParseEntry(ByteView body) {
  Reader reader(body);
  OrderEntry entry;
  entry.jti = Jti(reader.ReadArray<16>());
  entry.certificate = reader.ReadArray<32>();
  const std::uint64_t at = reader.ReadU64();
  const std::uint8_t state = reader.ReadU8();
  const std::uint8_t verdict = reader.ReadU8();
  entry.result = AsText(reader.ReadPrefixed(OrderMemory::kMaxResultLen));
  if (!reader.AtEnd() || at > static_cast<std::uint64_t>(kLastDate)) return std::nullopt;
  if (state < 1 || state > 2 || verdict > static_cast<std::uint8_t>(Verdict::kFailed)) {
    return std::nullopt;
  }
  entry.at = FromUnix(static_cast<std::int64_t>(at));
  entry.state = static_cast<OrderEntry::State>(state);
  entry.verdict = static_cast<Verdict>(verdict);
  if (!CanBeStored(entry.state, entry.verdict)) return std::nullopt;
  if (entry.state == OrderEntry::State::kStarted && !entry.result.empty()) return std::nullopt;
  return entry;
}

// ReadBody returns the entry of the record at the front if the record is whole.
std::optional<ByteView> ReadBody(Reader& reader) {
  const ByteView body = reader.ReadPrefixed(kMaxBodyLen);
  const ByteView checksum = reader.ReadBytes(kChecksumLen);
  if (!reader.ok() || body.empty()) return std::nullopt;
  if (!std::ranges::equal(ByteView(crypto::Sha256(body)).first(kChecksumLen), checksum)) {
    return std::nullopt;
  }
  return body;
}

// A cut append leaves at most one record's length of anything, and nothing whole behind it.
bool IsTornAppend(ByteView tail) {
  if (tail.size() > kLengthLen + kMaxBodyLen + kChecksumLen) return false;
  for (std::size_t at = 1; at < tail.size(); ++at) {
    Reader reader(tail.subspan(at));
    if (ReadBody(reader)) return false;
  }
  return true;
}

}  // namespace

Result<OrderMemory> OrderMemory::Parse(ByteView file) {
  OrderMemory memory;
  Reader reader(file);
  while (reader.remaining() > 0) {
    const std::size_t left = reader.remaining();
    const auto body = ReadBody(reader);
    if (!body) {
      if (!IsTornAppend(file.last(left))) return Damaged(left);
      memory.must_rewrite_ = true;  // or the next record would stand behind the torn one
      break;
    }
    const auto entry = ParseEntry(*body);
    if (!entry || !memory.Take(*entry)) return Damaged(left);
    ++memory.records_in_file_;
  }
  return memory;
}

bool OrderMemory::Take(const OrderEntry& entry) {
  const bool started = entry.state == OrderEntry::State::kStarted;
  const auto at = entries_.find(entry.jti);
  if (at == entries_.end()) {
    Insert(entry, started);
    return true;
  }
  if (started) {  // was dropped or forgotten in the meantime, then began anew
    Drop(at->second.order);
    Insert(entry, true);
    return true;
  }
  if (at->second.entry.certificate != entry.certificate) return false;
  at->second.entry = entry;
  at->second.interrupted = false;
  latest_ = std::max(latest_, entry.at);
  return true;
}

void OrderMemory::Insert(const OrderEntry& entry, bool interrupted) {
  const std::uint64_t order = next_order_++;
  entries_.emplace(entry.jti, Slot{entry, order, interrupted});
  by_order_.emplace(order, entry.jti);
  ++per_certificate_[entry.certificate];
  latest_ = std::max(latest_, entry.at);
}

Bytes OrderMemory::Encode() const {
  Bytes out;
  for (const auto& [order, jti] : by_order_) {
    const Bytes record = EncodeRecord(entries_.at(jti).entry);
    out.insert(out.end(), record.begin(), record.end());
  }
  return out;
}

std::optional<OrderMemory::Before> OrderMemory::Seen(const Jti& jti) const {
  const auto at = entries_.find(jti);
  if (at == entries_.end()) return std::nullopt;
  const Slot& slot = at->second;
  if (slot.interrupted) return Before{Verdict::kInterrupted, &slot.entry};
  return Before{slot.running() ? Verdict::kRunning : Verdict::kDoneBefore, &slot.entry};
}

std::optional<Bytes> OrderMemory::Start(const Jti& jti, const Digest& certificate, Instant now) {
  Check(!entries_.contains(jti), "an order begins that the memory knows");
  DropOld(Sane(now));
  const auto share = per_certificate_.find(certificate);
  if (share != per_certificate_.end() && share->second >= kMaxHeld) return std::nullopt;
  const OrderEntry entry{.jti = jti, .certificate = certificate, .at = Sane(now), .result = {}};
  Insert(entry, false);
  ++records_in_file_;
  return EncodeRecord(entry);
}

void OrderMemory::Forget(const Jti& jti) {
  const auto at = entries_.find(jti);
  if (at == entries_.end()) return;
  Drop(at->second.order);
  must_rewrite_ = true;
}

Bytes OrderMemory::Finish(const Jti& jti, Verdict verdict, std::string result, Instant now) {
  const auto at = entries_.find(jti);
  Check(at != entries_.end() && at->second.running(), "an order ends that does not run");
  Check(CanBeStored(OrderEntry::State::kDone, verdict), "a verdict that does not end an order");
  OrderEntry& entry = at->second.entry;
  entry.state = OrderEntry::State::kDone;
  entry.verdict = verdict;
  entry.result = result.size() <= kMaxResultLen ? std::move(result) : std::string();
  entry.at = Sane(now);
  latest_ = std::max(latest_, entry.at);
  ++records_in_file_;
  return EncodeRecord(entry);
}

void OrderMemory::TrustMoved(const Digest& held) {
  const auto own = per_certificate_.find(held);
  std::size_t num_earlier = entries_.size() - (own == per_certificate_.end() ? 0 : own->second);
  auto at = by_order_.begin();
  while (num_earlier > kMaxEarlier && at != by_order_.end()) {
    const auto [order, jti] = *at++;
    const Slot& slot = entries_.at(jti);
    if (slot.entry.certificate == held || slot.running()) continue;
    Drop(order);
    --num_earlier;
  }
}

bool OrderMemory::NeedsCompaction() const {
  return must_rewrite_ || records_in_file_ > 2 * entries_.size() + 64;
}

void OrderMemory::Compacted() {
  records_in_file_ = entries_.size();
  must_rewrite_ = false;
}

// Entries dated after the clock are dated anew to it, all at once, or a clock that once stood ahead
// would keep them for years. On disk only if a restart would otherwise bring that back.
void OrderMemory::DateAnew(Instant now) {
  if (latest_ <= now) return;
  for (auto& [jti, slot] : entries_) slot.entry.at = std::min(slot.entry.at, now);
  must_rewrite_ = must_rewrite_ || latest_ - now > kKeepFor;
  latest_ = now;
}

// Only beyond the newest kKeepNewest *and* older than kKeepFor; never what runs. They stand nearly
// in the order of their dates, so the first one that is too young ends the search.
void OrderMemory::DropOld(Instant now) {
  DateAnew(now);
  auto at = by_order_.begin();
  for (std::size_t left = entries_.size(); left > kKeepNewest; --left) {
    const auto [order, jti] = *at++;
    const Slot& slot = entries_.at(jti);
    if (now - slot.entry.at <= kKeepFor) return;
    if (!slot.running()) Drop(order);
  }
}

void OrderMemory::Drop(std::uint64_t order) {
  const auto at = by_order_.find(order);
  const auto slot = entries_.find(at->second);
  const auto count = per_certificate_.find(slot->second.entry.certificate);
  if (--count->second == 0) per_certificate_.erase(count);
  entries_.erase(slot);
  by_order_.erase(at);
}

}  // namespace countersign::trust
