#include "trust/challenge.h"

#include "base/encoding.h"
#include "crypto/hash.h"

namespace countersign::trust {
namespace {

constexpr std::size_t kBodyLen = 16 + 8 + 1;

Bytes Body(ByteView random, Uptime at, ChallengeUse use) {
  Writer writer;
  writer.Raw(random).U64(static_cast<std::uint64_t>(at.count())).U8(static_cast<std::uint8_t>(use));
  return writer.Take();
}

}  // namespace

std::string ChallengeKeeper::Draw(ChallengeUse use, const std::array<std::uint8_t, 16>& random,
                                  Uptime now) const {
  Bytes challenge = Body(random, now, use);
  const Digest mac = crypto::HmacSha256(key_.view(), challenge);
  challenge.insert(challenge.end(), mac.begin(), mac.end());
  return Base64UrlEncode(challenge);
}

bool ChallengeKeeper::IsGood(std::string_view challenge, ChallengeUse use, Uptime now) const {
  const auto octets = Base64UrlDecodeFixed<kBodyLen + sizeof(Digest)>(challenge);
  if (!octets) return false;
  const ByteView body = ByteView(*octets).first(kBodyLen);
  const Digest mac = crypto::HmacSha256(key_.view(), body);
  if (!crypto::EqualConstantTime(mac, ByteView(*octets).subspan(kBodyLen))) return false;
  Reader reader(body.subspan(16));
  const Uptime drawn(static_cast<std::int64_t>(reader.ReadU64()));
  if (reader.ReadU8() != static_cast<std::uint8_t>(use)) return false;
  if (now < drawn || now - drawn > kLifetime) return false;
  if (spent_.contains(challenge)) return false;
  // When more were used up than can be remembered, none can be told from a used one. Those whose
  // time is over no longer count: their own age refuses them.
  return spent_.size() < kMaxSpent || now - spent_order_.front().first > kLifetime;
}

void ChallengeKeeper::Spend(std::string_view challenge, Uptime now) {
  while (!spent_order_.empty() && now - spent_order_.front().first > kLifetime) {
    spent_.erase(spent_order_.front().second);
    spent_order_.pop_front();
  }
  if (spent_.emplace(challenge).second) spent_order_.emplace_back(now, std::string(challenge));
}

}  // namespace countersign::trust
