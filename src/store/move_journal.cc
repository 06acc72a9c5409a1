#include "store/move_journal.h"

#include <algorithm>

#include "crypto/hash.h"

namespace countersign::store {
namespace {

constexpr std::string_view kMagic = "CSMV";
constexpr std::uint8_t kVersion = 2;  // 1 had no certificates of servers that were left
constexpr std::size_t kMaxHostLen = 255;

// What is planned.
constexpr std::uint8_t kNoPlan = 0;
constexpr std::uint8_t kRepair = 1;
constexpr std::uint8_t kMove = 2;

std::unexpected<Error> Damaged(std::string_view what) {
  return Fail(Code::kDamaged,
              "the file \"move\", which says how a move to another server goes on, is damaged: " +
                  std::string(what),
              "remove it; if the agent does not reach its server then, IpXfer -s SERVER -p PORT -e "
              "OfcNTCer.dat repairs it");
}

void WriteSide(Writer& writer, const PlannedMove::Side& side) {
  writer.Raw(side.thumbprint).Raw(side.owner).Raw(side.server.bytes());
}

PlannedMove::Side ReadSide(Reader& reader) {
  PlannedMove::Side side;
  side.thumbprint = reader.ReadArray<32>();
  side.owner = reader.ReadArray<32>();
  side.server = ServerId(reader.ReadArray<16>());
  return side;
}

void WriteFormer(Writer& writer, const FormerServer& former) {
  writer.Raw(former.server.bytes()).Prefixed(former.certificate).Prefixed(AsBytes(former.host));
  writer.U16(former.http_port).U16(former.https_port).U16(former.tries);
  writer.U8(former.tls ? 1 : 0);
}

Result<FormerServer> ReadFormer(Reader& reader) {
  FormerServer former;
  former.server = ServerId(reader.ReadArray<16>());
  former.certificate = ToBytes(reader.ReadPrefixed(crypto::Certificate::kMaxLen));
  former.host = AsText(reader.ReadPrefixed(kMaxHostLen));
  former.http_port = reader.ReadU16();
  former.https_port = reader.ReadU16();
  former.tries = reader.ReadU16();
  const std::uint8_t tls = reader.ReadU8();
  former.tls = tls == 1;
  if (!reader.ok() || former.certificate.empty() || former.host.empty() || former.http_port == 0 ||
      tls > 1) {
    return Damaged("a server that was left");
  }
  return former;
}

Status ReadPlan(Reader& reader, MoveJournal& journal) {
  const std::uint8_t kind = reader.ReadU8();
  if (kind > kMove) return Damaged("what is planned");
  if (kind == kNoPlan) return {};
  auto& planned = journal.planned.emplace();
  planned.from = ReadSide(reader);
  planned.to = ReadSide(reader);
  planned.config = AsText(reader.ReadPrefixed(kMaxConfigLen));
  if (planned.config.empty()) return Damaged("no agent.toml in it");
  if (kind == kRepair) return {};
  auto leaves = ReadFormer(reader);
  if (!leaves) return std::unexpected(std::move(leaves).error());
  planned.leaves = *std::move(leaves);
  return {};
}

bool IsSame(const PlannedMove::Side& one, const PlannedMove::Side& other) {
  return one.server == other.server && one.owner == other.owner;
}

}  // namespace

PlannedMove::Side SideOf(const trust::TrustState& state) {
  return {state.certificate.thumbprint(), state.owner, state.server};
}

bool HasHappened(const PlannedMove& planned, const trust::TrustState& held) {
  const auto now = SideOf(held);
  if (now.thumbprint == planned.to.thumbprint) return true;
  if (now.thumbprint == planned.from.thumbprint) return false;
  return IsSame(now, planned.to) && !IsSame(now, planned.from);
}

MoveJournal Settled(MoveJournal journal, bool happened, const ServerId& now_at) {
  if (happened && journal.planned && journal.planned->leaves) {
    journal.former.push_back(*std::move(journal.planned->leaves));
  }
  journal.planned.reset();
  auto& former = journal.former;
  for (auto one = former.begin(); one != former.end();) {
    const bool again = std::any_of(one + 1, former.end(),
                                   [&](const auto& later) { return later.server == one->server; });
    one = again || one->server == now_at ? former.erase(one) : one + 1;
  }
  while (former.size() > kMaxFormerServers) former.erase(former.begin());
  return journal;
}

Bytes EncodeMoveJournal(const MoveJournal& journal) {
  Writer writer;
  writer.Raw(AsBytes(kMagic)).U8(kVersion);
  const auto& planned = journal.planned;
  writer.U8(!planned ? kNoPlan : planned->leaves ? kMove : kRepair);
  if (planned) {
    WriteSide(writer, planned->from);
    WriteSide(writer, planned->to);
    writer.Prefixed(AsBytes(planned->config));
    if (planned->leaves) WriteFormer(writer, *planned->leaves);
  }
  writer.U8(static_cast<std::uint8_t>(journal.former.size()));
  for (const auto& former : journal.former) WriteFormer(writer, former);
  writer.Raw(crypto::Sha256(writer.bytes()));
  return writer.Take();
}

Result<MoveJournal> ParseMoveJournal(ByteView file) {
  if (file.size() > kMaxMoveJournalLen || file.size() < sizeof(Digest)) return Damaged("length");
  const ByteView body = file.first(file.size() - sizeof(Digest));
  if (!std::ranges::equal(crypto::Sha256(body), file.last(sizeof(Digest)))) {
    return Damaged("checksum");
  }
  Reader reader(body);
  if (AsText(reader.ReadBytes(kMagic.size())) != kMagic || reader.ReadU8() != kVersion) {
    return Damaged("it is of no version that this program knows");
  }
  MoveJournal journal;
  COUNTERSIGN_RETURN_IF_ERROR(ReadPlan(reader, journal));
  const std::size_t num_former = reader.ReadU8();
  if (num_former > kMaxFormerServers) return Damaged("too many servers");
  for (std::size_t i = 0; i < num_former; ++i) {
    auto former = ReadFormer(reader);
    if (!former) return std::unexpected(std::move(former).error());
    journal.former.push_back(*std::move(former));
  }
  if (!reader.AtEnd()) return Damaged("length of its parts");
  return journal;
}

}  // namespace countersign::store
