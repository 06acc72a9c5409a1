#include "store/agent_counters.h"

#include <algorithm>

#include "crypto/hash.h"

namespace countersign::store {
namespace {

constexpr std::string_view kMagic = "CSCT";
constexpr std::uint8_t kVersion = 2;  // 1 has no interval at its end
constexpr std::size_t kMaxHeadLen = 255;
constexpr std::size_t kMaxSourceLen = 64;
constexpr Seconds kMinInterval = std::chrono::minutes(1);
constexpr Seconds kMaxInterval = std::chrono::hours(24);
constexpr std::string_view kOthers = "others";

void Merge(wire::Failure& into, const wire::Failure& more) {
  into.count += more.count;
  into.first = std::min(into.first, more.first);
  into.last = std::max(into.last, more.last);
}

}  // namespace

Result<AgentCounters> AgentCounters::Load(AgentStorage& storage) {
  auto file = storage.LoadCounters();
  if (!file) return std::unexpected(std::move(file).error());
  AgentCounters counters(storage);
  if (!file->empty()) COUNTERSIGN_RETURN_IF_ERROR(counters.Decode(*file));
  return counters;
}

Result<std::uint64_t> AgentCounters::NextSeq() {
  if (next_seq_ > reserved_) {
    if (next_seq_ + kSeqBlock > wire::kMaxInteger) {
      return Fail(Code::kExhausted, "this agent has used up its sequence numbers",
                  "countersign-agentd install makes the agent anew");
    }
    const std::uint64_t before = reserved_;
    reserved_ = next_seq_ - 1 + kSeqBlock;
    if (auto stored = storage_->StoreCounters(Encode()); !stored) {
      reserved_ = before;
      return std::unexpected(std::move(stored).error());
    }
    changed_ = false;
  }
  return next_seq_++;
}

Status AgentCounters::Jump(std::uint64_t above) {
  if (above < next_seq_) return {};
  if (above - next_seq_ > kMaxJump || above >= wire::kMaxInteger - kSeqBlock) {
    return Fail(Code::kRefused, "the server asked to jump to seq " + std::to_string(above) +
                                    ", too far ahead of " + std::to_string(next_seq_));
  }
  next_seq_ = above + 1;
  return {};
}

void AgentCounters::CountFailure(trust::Verdict verdict, std::string_view source, Instant now) {
  FailureKey key{verdict, std::string(source.substr(0, kMaxSourceLen))};
  if (!failures_.contains(key) && failures_.size() >= kMaxRows) key.second = kOthers;
  const auto at = static_cast<std::uint64_t>(std::max<std::int64_t>(0, ToUnix(now)));
  const wire::Failure one{verdict, key.second, 1, at, at};
  const auto [row, fresh] = failures_.try_emplace(key, one);
  if (!fresh) Merge(row->second, one);
  changed_ = true;
}

std::vector<wire::Failure> AgentCounters::FailuresToReport() const {
  std::vector<wire::Failure> rows;
  for (const auto& [key, row] : failures_) rows.push_back(row);
  std::ranges::stable_sort(rows, std::ranges::greater{}, &wire::Failure::count);
  if (rows.size() <= wire::kMaxFailures) return rows;
  // One row less than the limit for each verdict that is summed up would need a count of verdicts;
  // one row for all of them, under the most frequent verdict, keeps the sum right.
  wire::Failure others = rows[wire::kMaxFailures - 1];
  others.source = kOthers;
  for (std::size_t i = wire::kMaxFailures; i < rows.size(); ++i) Merge(others, rows[i]);
  rows.resize(wire::kMaxFailures - 1);
  rows.push_back(others);
  return rows;
}

void AgentCounters::Reported(const FailureMap& before) {
  for (const auto& [key, row] : before) {
    const auto at = failures_.find(key);
    if (at == failures_.end()) continue;
    changed_ = true;
    if (at->second.count <= row.count) {
      failures_.erase(at);
    } else {
      at->second.count -= row.count;
    }
  }
}

void AgentCounters::set_head(std::string head) {
  if (head == head_ || head.size() > kMaxHeadLen) return;
  head_ = std::move(head);
  changed_ = true;
}

void AgentCounters::set_own_interval(Seconds interval) {
  if (interval == own_interval_) return;
  own_interval_ = interval;
  changed_ = true;
}

Status AgentCounters::Save() {
  if (!changed_) return {};
  COUNTERSIGN_RETURN_IF_ERROR(storage_->StoreCounters(Encode()));
  changed_ = false;
  return {};
}

Bytes AgentCounters::Encode() const {
  Writer writer;
  writer.Raw(AsBytes(kMagic)).U8(kVersion).U64(reserved_).Prefixed(AsBytes(head_));
  writer.U32(static_cast<std::uint32_t>(failures_.size()));
  for (const auto& [key, row] : failures_) {
    writer.Prefixed(AsBytes(trust::VerdictName(row.verdict))).Prefixed(AsBytes(row.source));
    writer.U64(row.count).U64(row.first).U64(row.last);
  }
  writer.U32(static_cast<std::uint32_t>(own_interval_.count()));
  writer.Raw(crypto::Sha256(writer.bytes()));
  return writer.Take();
}

Status AgentCounters::Decode(ByteView file) {
  const auto damaged = [] {
    return Fail(Code::kDamaged, "the agent's counters are damaged (checksum or form)",
                "countersign-agentd install makes the agent anew");
  };
  if (file.size() < sizeof(Digest)) return damaged();
  const ByteView body = file.first(file.size() - sizeof(Digest));
  if (!std::ranges::equal(crypto::Sha256(body), file.last(sizeof(Digest)))) return damaged();
  Reader reader(body);
  if (AsText(reader.ReadBytes(kMagic.size())) != kMagic) return damaged();
  const std::uint8_t version = reader.ReadU8();
  if (version != 1 && version != kVersion) return damaged();
  reserved_ = reader.ReadU64();
  next_seq_ = reserved_ + 1;
  head_ = AsText(reader.ReadPrefixed(kMaxHeadLen));
  const std::size_t num_rows = reader.ReadU32();
  if (num_rows > kMaxRows + 32 || reserved_ > wire::kMaxInteger) return damaged();
  for (std::size_t i = 0; i < num_rows; ++i) {
    const auto verdict = trust::ParseVerdict(AsText(reader.ReadPrefixed(kMaxSourceLen)));
    const std::string source(AsText(reader.ReadPrefixed(kMaxSourceLen)));
    wire::Failure row{verdict.value_or(trust::Verdict::kMalformed), source, reader.ReadU64(), 0, 0};
    row.first = reader.ReadU64();
    row.last = reader.ReadU64();
    if (!verdict) return damaged();
    failures_[{*verdict, source}] = row;
  }
  own_interval_ = Seconds(version == 1 ? 0 : reader.ReadU32());
  if (!reader.AtEnd()) return damaged();
  if (own_interval_.count() != 0 &&
      (own_interval_ < kMinInterval || own_interval_ > kMaxInterval)) {
    return damaged();
  }
  return {};
}

}  // namespace countersign::store
