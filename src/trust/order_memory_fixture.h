#pragma once

// The fixture that the tests of the order memory share: a memory, and the file that an agent would
// have written.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>

#include "trust/order_memory.h"

namespace countersign::trust {

inline const Instant kNow = FromUnix(1'800'000'000);
inline constexpr Seconds kHour = std::chrono::hours(1);

inline Jti JtiOf(std::uint32_t n) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<std::uint8_t>(n >> (8 * i));
  return Jti(bytes);
}

inline Digest CertificateOf(std::uint8_t n) {
  Digest digest{};
  digest.fill(n);
  return digest;
}

inline void Append(Bytes& file, const Bytes& record) {
  file.insert(file.end(), record.begin(), record.end());
}

class OrderMemoryTest : public ::testing::Test {
 protected:
  // Starts order `n` under the certificate; its record goes to the file.
  bool Start(std::uint32_t n, const Digest& certificate, Instant now) {
    const auto record = memory_.Start(JtiOf(n), certificate, now);
    if (record) Append(file_, *record);
    return record.has_value();
  }
  void Finish(std::uint32_t n, Verdict verdict, std::string result, Instant now) {
    Append(file_, memory_.Finish(JtiOf(n), verdict, std::move(result), now));
  }
  // Orders `from`..`from + count - 1`, all of them done at once.
  void RunMany(std::uint32_t from, std::uint32_t count, const Digest& certificate, Instant now) {
    for (std::uint32_t n = from; n < from + count; ++n) {
      ASSERT_TRUE(Start(n, certificate, now)) << n;
      Finish(n, Verdict::kDone, "", now);
    }
  }
  [[nodiscard]] bool Knows(std::uint32_t n) const { return memory_.Seen(JtiOf(n)).has_value(); }
  [[nodiscard]] std::optional<Verdict> Answer(std::uint32_t n) const {
    const auto before = memory_.Seen(JtiOf(n));
    return before ? std::optional(before->verdict) : std::nullopt;
  }
  void Restart() {
    auto memory = OrderMemory::Parse(file_);
    ASSERT_TRUE(memory.has_value()) << memory.error().message;
    memory_ = *std::move(memory);
  }
  void Compact() {
    file_ = memory_.Encode();
    memory_.Compacted();
  }

  OrderMemory memory_;
  Bytes file_;
  const Digest held_ = CertificateOf(1);
  const Digest next_ = CertificateOf(2);
};

}  // namespace countersign::trust
