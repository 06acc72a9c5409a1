#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/time.h"

namespace countersign::agent {

// RateLimiter bounds the failure receipts that an agent signs (protocol section 6): a bucket for
// each source (IPv4 address, IPv6 /64), one for all together, and a share of its own for each
// source that sent a valid order within a day, which strangers cannot use up. However many
// strangers there are, a valid order from a source of its own is always judged. Not thread-safe.
class RateLimiter {
 public:
  static constexpr double kPerSource = 10;       // at once
  static constexpr double kPerSourceRate = 0.2;  // again each second
  static constexpr double kAll = 50;
  static constexpr double kAllRate = 5;
  static constexpr double kKnown = 60;
  static constexpr double kKnownRate = 1;
  static constexpr std::size_t kMaxSources = 1'024;
  static constexpr Uptime kKnownFor = std::chrono::hours(24);

  // MayTry: a message of this source is judged now. Asked before any work is done.
  [[nodiscard]] bool MayTry(std::string_view source, Uptime now);
  // Failed counts a refused message, and tells whether a receipt may be signed for it.
  [[nodiscard]] bool Failed(std::string_view source, Uptime now);
  // Succeeded remembers that this source sent a valid order.
  void Succeeded(std::string_view source, Uptime now);
  // RetryAfterSeconds is what to tell a source that gets no receipt.
  [[nodiscard]] static unsigned RetryAfterSeconds() { return 5; }

 private:
  struct Bucket {
    double tokens = 0;
    Uptime at{};
  };
  struct Source {
    Bucket bucket;
    Uptime known_until = Uptime::min();
    Uptime last{};
  };
  static double Fill(Bucket& bucket, double most, double rate, Uptime now);
  Source& Find(std::string_view source, Uptime now);
  [[nodiscard]] bool IsKnown(const Source& source, Uptime now) const {
    return source.known_until > now;
  }

  std::map<std::string, Source, std::less<>> sources_;
  Bucket all_{kAll, {}};
};

}  // namespace countersign::agent
