#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "store/registry.h"

// The lists inside registry rows as compact blobs, the same in every engine: one octet of version,
// then the entries one after another. Encode and Decode are inverse; Decode returns nothing for
// anything that Encode does not write.
namespace countersign::store {

[[nodiscard]] Bytes EncodeTexts(const std::vector<std::string>& texts);
[[nodiscard]] std::optional<std::vector<std::string>> DecodeTexts(ByteView blob);

[[nodiscard]] Bytes EncodeTimes(const std::vector<Instant>& times);
[[nodiscard]] std::optional<std::vector<Instant>> DecodeTimes(ByteView blob);

[[nodiscard]] Bytes EncodeNonces(const std::vector<GivenNonce>& nonces);
[[nodiscard]] std::optional<std::vector<GivenNonce>> DecodeNonces(ByteView blob);

[[nodiscard]] Bytes EncodeReplaced(const std::vector<ReplacedInstance>& replaced);
[[nodiscard]] std::optional<std::vector<ReplacedInstance>> DecodeReplaced(ByteView blob);

[[nodiscard]] Bytes EncodeVersions(const std::vector<OrderVersion>& versions);
[[nodiscard]] std::optional<std::vector<OrderVersion>> DecodeVersions(ByteView blob);

}  // namespace countersign::store
