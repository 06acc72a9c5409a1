#include "trust/order_memory.h"

#include <algorithm>

#include "crypto/hash.h"

namespace countersign::trust {
namespace {

constexpr std::size_t kChecksumLen = 8;
constexpr std::size_t kMaxRecordLen = 16 + 32 + 8 + 1 + 1 + 4 + OrderMemory::kMaxResultLen;

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

std::optional<OrderEntry> ParseEntry(ByteView body) {
  Reader reader(body);
  OrderEntry entry;
  entry.jti = Jti(reader.ReadArray<16>());
  entry.certificate = reader.ReadArray<32>();
  entry.at = FromUnix(static_cast<std::int64_t>(reader.ReadU64()));
  const std::uint8_t state = reader.ReadU8();
  const std::uint8_t verdict = reader.ReadU8();
  entry.result = AsText(reader.ReadPrefixed(OrderMemory::kMaxResultLen));
  if (!reader.AtEnd() || state < 1 || state > 2) return std::nullopt;
  if (verdict > static_cast<std::uint8_t>(Verdict::kFailed)) return std::nullopt;
  entry.state = static_cast<OrderEntry::State>(state);
  entry.verdict = static_cast<Verdict>(verdict);
  return entry;
}

// ReadRecord returns nothing if the record at the front is not whole and right.
std::optional<OrderEntry> ReadRecord(Reader& reader) {
  const ByteView body = reader.ReadPrefixed(kMaxRecordLen);
  const ByteView checksum = reader.ReadBytes(kChecksumLen);
  if (!reader.ok()) return std::nullopt;
  if (!std::ranges::equal(ByteView(crypto::Sha256(body)).first(kChecksumLen), checksum)) {
    return std::nullopt;
  }
  return ParseEntry(body);
}

}  // namespace

Result<OrderMemory> OrderMemory::Parse(ByteView file) {
  OrderMemory memory;
  Reader reader(file);
  while (reader.remaining() > 0) {
    const std::size_t left = reader.remaining();
    const auto entry = ReadRecord(reader);
    if (!entry) {
      if (left <= 4 + kMaxRecordLen + kChecksumLen) break;  // torn: it was never acted upon
      return Fail(Code::kDamaged,
                  "the order memory is damaged " + std::to_string(left) + " bytes before its end",
                  "countersign-agentd install makes the agent anew");
    }
    ++memory.records_in_file_;
    const auto at = memory.entries_.find(entry->jti);
    if (at != memory.entries_.end()) {
      at->second.entry = *entry;
      at->second.interrupted = entry->state == OrderEntry::State::kStarted;
      continue;
    }
    const std::uint64_t order = memory.next_order_++;
    memory.entries_.emplace(
        entry->jti, Slot{*entry, order, entry->state == OrderEntry::State::kStarted});
    memory.by_order_.emplace(order, entry->jti);
    ++memory.per_certificate_[entry->certificate];
  }
  return memory;
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
  if (slot.entry.state == OrderEntry::State::kStarted) {
    return Before{Verdict::kRunning, &slot.entry};
  }
  return Before{Verdict::kDoneBefore, &slot.entry};
}

std::optional<Bytes> OrderMemory::Start(const Jti& jti, const Digest& certificate, Instant now) {
  DropOld(now);
  if (per_certificate_[certificate] >= kMaxHeld) return std::nullopt;
  const OrderEntry entry{.jti = jti, .certificate = certificate, .at = now, .result = {}};
  const std::uint64_t order = next_order_++;
  entries_.emplace(jti, Slot{entry, order, false});
  by_order_.emplace(order, jti);
  ++per_certificate_[certificate];
  ++records_in_file_;
  return EncodeRecord(entry);
}

void OrderMemory::Forget(const Jti& jti) {
  const auto at = entries_.find(jti);
  if (at != entries_.end()) Drop(at->second.order);
}

Bytes OrderMemory::Finish(const Jti& jti, Verdict verdict, std::string result, Instant now) {
  OrderEntry& entry = entries_.at(jti).entry;
  entry.state = OrderEntry::State::kDone;
  entry.verdict = verdict;
  entry.result = std::move(result);
  entry.at = now;
  ++records_in_file_;
  return EncodeRecord(entry);
}

void OrderMemory::TrustMoved(const Digest& held) {
  const auto own = per_certificate_.find(held);
  std::size_t num_earlier =
      entries_.size() - (own == per_certificate_.end() ? 0 : own->second);
  auto at = by_order_.begin();
  while (num_earlier > kMaxEarlier && at != by_order_.end()) {
    const auto [order, jti] = *at++;
    if (entries_.at(jti).entry.certificate == held) continue;
    Drop(order);
    --num_earlier;
  }
}

bool OrderMemory::NeedsCompaction() const {
  return records_in_file_ > 2 * entries_.size() + 64;
}

// Only beyond the newest kKeepNewest *and* older than kKeepFor. Oldest first, so the first entry
// that is too young ends the search; one dated after the clock is dated anew to it, or a clock that
// once stood ahead would keep its entries for years.
void OrderMemory::DropOld(Instant now) {
  while (entries_.size() > kKeepNewest) {
    const auto [order, jti] = *by_order_.begin();
    OrderEntry& oldest = entries_.at(jti).entry;
    if (oldest.at > now) oldest.at = now;
    if (now - oldest.at <= kKeepFor) return;
    Drop(order);
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
