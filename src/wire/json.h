#pragma once

#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/storage_ptr.hpp>
#include <string_view>

#include "base/error.h"

// Private to wire/: Boost.JSON appears in no interface of this folder.
namespace countersign::wire {

inline constexpr std::size_t kMaxJsonDepth = 8;
// Members of one object: a table of names made to collide costs the square of their number.
inline constexpr std::size_t kMaxJsonMembers = 256;

// JsonArena is the memory of one parsed message: most fit its buffer and never reach the heap.
// Everything that was parsed into it must go before it does.
class JsonArena {
 public:
  JsonArena() = default;
  JsonArena(const JsonArena&) = delete;
  JsonArena& operator=(const JsonArena&) = delete;
  [[nodiscard]] boost::json::storage_ptr storage() { return &resource_; }

 private:
  alignas(16) std::array<unsigned char, 4096> buffer_;
  boost::json::monotonic_resource resource_{buffer_.data(), buffer_.size()};
};

// ParseJsonObject reads untrusted text under the rules of protocol sections 5 and 11: one object in
// UTF-8, no duplicate member (after unescaping) at any level, integers 0..2^53-1 in plain decimal,
// no lone surrogate, no byte order mark, depth ≤ kMaxJsonDepth, ≤ kMaxJsonMembers in one object,
// and not an octet before its '{' or after its '}'. Depth counts every value: that of the object
// itself is `depth` (1 for the outermost value of a message). Integers come as uint64. kMalformed
// says what is wrong; no exception leaves.
[[nodiscard]] Result<boost::json::object> ParseJsonObject(std::string_view text,
                                                          boost::json::storage_ptr storage,
                                                          std::size_t depth = 1);

}  // namespace countersign::wire
