#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/time.h"

// The two files of an offline replacement (protocol section 9): what a server asks of its owner,
// and what the owner's machine answers. JSON objects with closed lists of members, under the same
// rules as messages. Neither is secret, and neither is signed: what the answer says is proved by
// the certificates in it; what the request says is for a person to compare.
namespace countersign::wire {

inline constexpr std::size_t kMaxOwnerFileLen = 2UL * 1024 * 1024;

// OwnerRequest asks for a pair of certificates. Times are in whole seconds, not before 1970.
struct OwnerRequest {
  std::vector<ServerId> server_ids;  // 1 to 32, the server's own first
  std::uint64_t generation = 0;      // of the first; the reserve's is one more
  std::string common_name;
  Instant not_before;
  Instant not_after;
  Instant reserve_not_after;
  Bytes active_key;   // SubjectPublicKeyInfo
  Bytes reserve_key;  // SubjectPublicKeyInfo
  Digest owner{};     // of the present owner's key, which is to sign
  bool compromised = false;
  Instant created;
  std::vector<Bytes> certificates;  // DER, at most 128: what the new automatic backup is to hold
  std::vector<AgentId> admitted;    // whom it is to list
  bool operator==(const OwnerRequest&) const = default;
};
[[nodiscard]] std::string FormatOwnerRequest(const OwnerRequest& request);
// kMalformed names the member.
[[nodiscard]] Result<OwnerRequest> ParseOwnerRequest(std::string_view text);

// OwnerAnswer brings the certificates, and the new automatic backup, sealed by the owner.
struct OwnerAnswer {
  Bytes active;   // DER
  Bytes reserve;  // DER
  Bytes backup;   // PKCS#12
  bool operator==(const OwnerAnswer&) const = default;
};
[[nodiscard]] std::string FormatOwnerAnswer(const OwnerAnswer& answer);
[[nodiscard]] Result<OwnerAnswer> ParseOwnerAnswer(std::string_view text);

}  // namespace countersign::wire
