#include "trust/challenge.h"

#include "base/encoding.h"
#include "crypto/hash.h"

namespace countersign::trust {
namespace {

constexpr std::size_t kBodyLen = 16 + 8 + 1;

constexpr std::size_t IndexOf(std::uint8_t use) {
  return use == static_cast<std::uint8_t>(ChallengeUse::kListener) ? 0 : 1;
}

}  // namespace

std::string ChallengeKeeper::Draw(ChallengeUse use, const std::array<std::uint8_t, 16>& random,
                                  Uptime now) const {
  Writer writer;
  writer.Raw(random)
      .U64(static_cast<std::uint64_t>(now.count()))
      .U8(static_cast<std::uint8_t>(use));
  const Digest mac = crypto::HmacSha256(key_.view(), writer.bytes());
  return Base64UrlEncode(writer.Raw(mac).bytes());
}

// Nothing if it was not made here.
std::optional<ChallengeKeeper::Drawn> ChallengeKeeper::Parse(std::string_view challenge) const {
  const auto octets = Base64UrlDecodeFixed<kBodyLen + sizeof(Digest)>(challenge);
  if (!octets) return std::nullopt;
  const ByteView body = ByteView(*octets).first(kBodyLen);
  const Digest mac = crypto::HmacSha256(key_.view(), body);
  if (!crypto::EqualConstantTime(mac, ByteView(*octets).subspan(kBodyLen))) return std::nullopt;
  Reader reader(body);
  Drawn drawn{};
  drawn.random = reader.ReadArray<16>();
  drawn.at = Uptime(static_cast<std::int64_t>(reader.ReadU64()));
  drawn.use = reader.ReadU8();
  return drawn;
}

bool ChallengeKeeper::IsGood(std::string_view challenge, ChallengeUse use, Uptime now) const {
  const auto drawn = Parse(challenge);
  if (!drawn || drawn->use != static_cast<std::uint8_t>(use)) return false;
  if (now < drawn->at || now - drawn->at > kLifetime) return false;
  const Spent& spent = spent_[IndexOf(drawn->use)];
  return drawn->at > spent.forgotten_to &&
         !spent.challenges.contains(std::pair(drawn->at, drawn->random));
}

void ChallengeKeeper::Spend(std::string_view challenge, Uptime now) {
  const auto drawn = Parse(challenge);
  if (!drawn) return;
  Spent& spent = spent_[IndexOf(drawn->use)];
  spent.challenges.emplace(drawn->at, drawn->random);
  while (!spent.challenges.empty() && (now - spent.challenges.begin()->first > kLifetime ||
                                       spent.challenges.size() > kMaxSpent)) {
    spent.ForgetFirst();
  }
}

// What is forgotten must stay refused, also if the clock should ever step back.
void ChallengeKeeper::Spent::ForgetFirst() {
  forgotten_to = challenges.begin()->first;
  challenges.erase(challenges.begin());
}

}  // namespace countersign::trust
