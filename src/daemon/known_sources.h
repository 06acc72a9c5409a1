#pragma once

#include <chrono>
#include <map>

#include "net/address.h"

namespace countersign::daemon {

// KnownSources are the networks (IPv4 address, IPv6 /64) from which proved messages of admitted
// agents came within a day: they get connections when strangers have taken all others. One thread.
class KnownSources {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kMost = 65'536;
  static constexpr auto kFor = std::chrono::hours(24);

  void Add(const net::IpAddress& source, Clock::time_point now) {
    const net::IpAddress network = source.SourceNetwork();
    if (seen_.size() >= kMost && !seen_.contains(network)) {
      std::erase_if(seen_, [&](const auto& entry) { return entry.second + kFor <= now; });
      if (seen_.size() >= kMost) return;
    }
    seen_[network] = now;
  }
  [[nodiscard]] bool Contains(const net::IpAddress& source, Clock::time_point now) const {
    const auto at = seen_.find(source.SourceNetwork());
    return at != seen_.end() && at->second + kFor > now;
  }

 private:
  std::map<net::IpAddress, Clock::time_point> seen_;
};

}  // namespace countersign::daemon
