#include "agent/rate_limiter.h"

#include <algorithm>

namespace countersign::agent {

double RateLimiter::Fill(Bucket& bucket, double most, double rate, Uptime now) {
  const double seconds =
      static_cast<double>(std::max<std::int64_t>(0, (now - bucket.at).count())) / 1000.0;
  bucket.tokens = std::min(most, bucket.tokens + seconds * rate);
  bucket.at = now;
  return bucket.tokens;
}

RateLimiter::Source& RateLimiter::Find(std::string_view source, Uptime now) {
  auto at = sources_.find(source);
  if (at == sources_.end()) {
    if (sources_.size() >= kMaxSources) {
      // The one silent for longest goes; a known source goes last.
      const auto oldest = std::ranges::min_element(sources_, {}, [&](const auto& entry) {
        return std::pair(IsKnown(entry.second, now), entry.second.last);
      });
      sources_.erase(oldest);
    }
    at = sources_.emplace(source, Source{{kPerSource, now}, Uptime::min(), now}).first;
  }
  at->second.last = now;
  return at->second;
}

bool RateLimiter::MayTry(std::string_view source, Uptime now) {
  Source& from = Find(source, now);
  if (IsKnown(from, now)) return Fill(from.bucket, kKnown, kKnownRate, now) >= 1;
  return Fill(from.bucket, kPerSource, kPerSourceRate, now) >= 1;
}

bool RateLimiter::Failed(std::string_view source, Uptime now) {
  Source& from = Find(source, now);
  from.bucket.tokens = std::max(0.0, from.bucket.tokens - 1);
  if (IsKnown(from, now)) return true;
  if (Fill(all_, kAll, kAllRate, now) < 1) return false;
  all_.tokens -= 1;
  return true;
}

void RateLimiter::Succeeded(std::string_view source, Uptime now) {
  Find(source, now).known_until = now + kKnownFor;
}

}  // namespace countersign::agent
