#pragma once

// What the tests of HTTP share.

#include <cstdint>

#include "net/address.h"

namespace countersign::net {

inline constexpr const char* kGet = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";

// Local is the endpoint of a server of the test itself.
inline Endpoint Local(std::uint16_t port) { return {"127.0.0.1", port}; }

}  // namespace countersign::net
