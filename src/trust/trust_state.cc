#include "trust/trust_state.h"

#include <algorithm>

#include "crypto/hash.h"
#include "trust/rule_a.h"

namespace countersign::trust {
namespace {

constexpr std::string_view kMagic = "CSTS";
constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kVersionWithSpent = 2;  // so that each state has one form

// As large as the protocol's integers are.
constexpr std::uint64_t kMaxExp = (std::uint64_t{1} << 53) - 1;

std::unexpected<Error> Damaged(std::string_view what) {
  return Fail(Code::kDamaged, "the trust state is damaged: " + std::string(what),
              "mv FOLDER FOLDER.old (the agent's folder), then countersign-agentd install --from "
              "PACKAGE: a new agent");
}

void SetHighest(std::vector<TrustState::Highest>& highest, const TrustState::Highest& entry) {
  const auto at = std::find_if(highest.begin(), highest.end(),
                               [&](const auto& have) { return have.server == entry.server; });
  if (at == highest.end()) {
    highest.push_back(entry);
  } else {
    *at = entry;
  }
}

// The checks that tie the parts of a state together, whoever wrote the file.
Status CheckConsistent(const TrustState& state) {
  const auto identity = IdentityOf(state.certificate);
  if (!identity) return Damaged(identity.error().message);
  if (identity->owner != state.owner) return Damaged("the certificate is of another owner");
  if (!identity->Names(state.server)) return Damaged("the certificate names another server");
  if (identity->generation != state.generation) return Damaged("generation");
  const auto* const highest = state.FindHighest(state.server);
  if (highest == nullptr || highest->generation != state.generation ||
      highest->thumbprint != state.certificate.thumbprint()) {
    return Damaged("the highest generation is not that of the certificate");
  }
  for (std::size_t i = 0; i < state.highest.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (state.highest[i].server == state.highest[j].server) return Damaged("a server id twice");
    }
  }
  for (std::size_t i = 0; i < state.spent.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (state.spent[i].jti == state.spent[j].jti) return Damaged("a used-up warrant twice");
    }
  }
  if (!state.bundle.empty() && (!(state.bundle.front() == state.certificate) ||
                                state.bundle[1].key().digest() != state.owner)) {
    return Damaged("the bundle is of another certificate or owner");
  }
  return {};
}

Status ReadSpent(Reader& reader, TrustState& state) {
  const std::size_t num = reader.ReadU16();
  if (num == 0 || num > kMaxSpentWarrants) return Damaged("number of used-up warrants");
  for (std::size_t i = 0; i < num; ++i) {
    const Jti jti(reader.ReadArray<16>());
    const std::uint64_t exp = reader.ReadU64();
    if (exp > kMaxExp) return Damaged("the end of a used-up warrant");
    state.spent.push_back({jti, FromUnix(static_cast<std::int64_t>(exp))});
  }
  return {};
}

Result<crypto::Certificate> ReadCertificate(Reader& reader) {
  auto certificate = crypto::Certificate::Parse(reader.ReadPrefixed(crypto::Certificate::kMaxLen));
  if (!certificate) return Damaged(certificate.error().message);
  return certificate;
}

}  // namespace

const TrustState::Highest* TrustState::FindHighest(const ServerId& id) const {
  const auto at = std::find_if(highest.begin(), highest.end(),
                               [&](const Highest& entry) { return entry.server == id; });
  return at == highest.end() ? nullptr : &*at;
}

bool TrustState::HasSpent(const Jti& jti) const {
  return std::ranges::find(spent, jti, &SpentWarrant::jti) != spent.end();
}

Result<TrustState> WithSpent(TrustState state, const SpentWarrant& spent, Instant now) {
  if (state.HasSpent(spent.jti)) {
    return Fail(Code::kRefused, "the warrant " + spent.jti.Text() + " was used up here before");
  }
  if (state.spent.size() >= kMaxSpentWarrants) {
    std::erase_if(state.spent, [&](const SpentWarrant& one) { return one.exp <= now; });
  }
  if (state.spent.size() >= kMaxSpentWarrants) {
    return Fail(
        Code::kRefused,
        "this agent remembers " + std::to_string(kMaxSpentWarrants) +
            " used-up warrants that have not run out yet, and takes no other until one has",
        "wait until " + FormatUtc(std::ranges::min(state.spent, {}, &SpentWarrant::exp).exp));
  }
  state.spent.push_back(spent);
  return state;
}

Result<TrustState> FirstTrust(const crypto::Certificate& certificate, const TrustState* previous) {
  auto identity = IdentityOf(certificate);
  if (!identity) return std::unexpected(std::move(identity).error());
  const bool stays = previous != nullptr && identity->Names(previous->server);
  TrustState state{.certificate = certificate,
                   .bundle = {},
                   .owner = identity->owner,
                   .server = stays ? previous->server : identity->server_ids.front(),
                   .generation = identity->generation,
                   .highest = {}};
  if (previous != nullptr) {
    state.highest = previous->highest;
    state.spent = previous->spent;
  }
  SetHighest(state.highest, {state.server, state.generation, certificate.thumbprint()});
  if (state.highest.size() > kMaxServerIds) {
    return Fail(Code::kExhausted,
                "this agent has trusted " + std::to_string(kMaxServerIds) +
                    " different servers already, and remembers the newest certificate of each; "
                    "one more is refused",
                "countersign-agentd install (with an empty folder) makes a new agent");
  }
  return state;
}

Bytes EncodeTrustState(const TrustState& state) {
  Writer writer;
  writer.Raw(AsBytes(kMagic)).U8(state.spent.empty() ? kVersion : kVersionWithSpent);
  writer.Raw(state.owner).Raw(state.server.bytes()).U64(state.generation);
  writer.Prefixed(state.certificate.der());
  writer.U8(static_cast<std::uint8_t>(state.bundle.size()));
  for (const auto& certificate : state.bundle) writer.Prefixed(certificate.der());
  writer.U8(static_cast<std::uint8_t>(state.highest.size()));
  for (const auto& entry : state.highest) {
    writer.Raw(entry.server.bytes()).U64(entry.generation).Raw(entry.thumbprint);
  }
  if (!state.spent.empty()) {
    writer.U16(static_cast<std::uint16_t>(state.spent.size()));
    for (const auto& entry : state.spent) {
      writer.Raw(entry.jti.bytes()).U64(static_cast<std::uint64_t>(ToUnix(entry.exp)));
    }
  }
  writer.Raw(crypto::Sha256(writer.bytes()));
  return writer.Take();
}

Result<TrustState> ParseTrustState(ByteView file) {
  if (file.size() > kMaxTrustStateLen || file.size() < sizeof(Digest)) return Damaged("length");
  const ByteView body = file.first(file.size() - sizeof(Digest));
  if (!std::ranges::equal(crypto::Sha256(body), file.last(sizeof(Digest)))) {
    return Damaged("checksum");
  }
  Reader reader(body);
  const bool is_ours = AsText(reader.ReadBytes(kMagic.size())) == kMagic;
  const std::uint8_t version = reader.ReadU8();
  if (!is_ours || (version != kVersion && version != kVersionWithSpent)) {
    return Damaged("it is no trust state of a version that this program knows");
  }
  const auto owner = reader.ReadArray<32>();
  const ServerId server(reader.ReadArray<16>());
  const std::uint64_t generation = reader.ReadU64();
  auto certificate = ReadCertificate(reader);
  if (!certificate) return std::unexpected(std::move(certificate).error());
  TrustState state{*std::move(certificate), {}, owner, server, generation, {}};
  const std::size_t num_bundle = reader.ReadU8();
  if (num_bundle == 1 || num_bundle > kMaxBundle) return Damaged("bundle length");
  for (std::size_t i = 0; i < num_bundle; ++i) {
    auto next = ReadCertificate(reader);
    if (!next) return std::unexpected(std::move(next).error());
    state.bundle.push_back(*std::move(next));
  }
  const std::size_t num_highest = reader.ReadU8();
  if (num_highest > kMaxServerIds) return Damaged("too many server ids");
  for (std::size_t i = 0; i < num_highest; ++i) {
    TrustState::Highest entry;
    entry.server = ServerId(reader.ReadArray<16>());
    entry.generation = reader.ReadU64();
    entry.thumbprint = reader.ReadArray<32>();
    state.highest.push_back(entry);
  }
  if (version == kVersionWithSpent) COUNTERSIGN_RETURN_IF_ERROR(ReadSpent(reader, state));
  if (!reader.AtEnd()) return Damaged("length of its parts");
  COUNTERSIGN_RETURN_IF_ERROR(CheckConsistent(state));
  return state;
}

}  // namespace countersign::trust
