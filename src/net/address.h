#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace countersign::net {

// AddressClass says who could be behind an address. The server never calls the refusing ones.
enum class AddressClass {
  kUnspecified,  // 0.0.0.0/8 and ::
  kLoopback,     // 127.0.0.0/8 and ::1
  kLinkLocal,    // 169.254.0.0/16 and fe80::/10
  kMulticast,    // 224.0.0.0/4, ff00::/8 and 255.255.255.255
  kOrdinary,     // everything else, private networks too
};

// IpAddress is an IPv4 or IPv6 address without scope. An IPv4-mapped IPv6 address (::ffff:a.b.c.d)
// never exists as a value: every constructor unwraps it, so that no rule on IPv4 can be walked
// round. Value type; any thread.
class IpAddress {
 public:
  IpAddress() = default;  // "::", which names nobody
  [[nodiscard]] static IpAddress FromV4(const std::array<std::uint8_t, 4>& octets);
  [[nodiscard]] static IpAddress FromV6(const std::array<std::uint8_t, 16>& octets);
  // Parse reads dotted decimal (four numbers, no leading zeros) or RFC 4291 text without brackets,
  // scope or white space.
  [[nodiscard]] static std::optional<IpAddress> Parse(std::string_view text);

  [[nodiscard]] bool is_v4() const { return v4_; }
  // octets returns 4 or 16 octets in network order; valid as long as the object.
  [[nodiscard]] std::span<const std::uint8_t> octets() const {
    return {octets_.data(), v4_ ? 4U : 16U};
  }
  [[nodiscard]] std::string Text() const;  // RFC 5952
  [[nodiscard]] AddressClass Classify() const;
  // SourceNetwork is what limits for each source count by: the IPv4 address itself, or the IPv6
  // address with all after its first 64 bits zero.
  [[nodiscard]] IpAddress SourceNetwork() const;
  // SourceKey is the same as text: "192.0.2.1" or "2001:db8:1:2::/64".
  [[nodiscard]] std::string SourceKey() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  bool v4_ = false;
  std::array<std::uint8_t, 16> octets_{};  // IPv4 in the first four, the others zero
};

// Endpoint is a host (a name, or an address in its text form without brackets) and a TCP port.
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;

  // Text puts brackets round an IPv6 address: "[2001:db8::1]:4343".
  [[nodiscard]] std::string Text() const;
  bool operator==(const Endpoint&) const = default;
};

// ParseEndpoint reads "HOST", "HOST:PORT", "[IPV6]", "[IPV6]:PORT" or a bare IPv6 address. Without
// a port it takes `default_port`. Ports are 1 to 65535. A host whose last label looks like a number
// must be a complete IPv4 address (the system's resolver would read "127.1" as an address). Names
// are lower-cased; at most 253 characters. kMalformed otherwise.
[[nodiscard]] Result<Endpoint> ParseEndpoint(std::string_view text, std::uint16_t default_port);

// NetworkSet is a list of networks, as `call_networks` in the configuration has it. Value type.
class NetworkSet {
 public:
  NetworkSet() = default;  // contains nothing
  // Parse reads "10.0.0.0/8", "2001:db8::/32" or a single address each; bits after the prefix must
  // be zero. kMalformed names the entry and, if it can, the entry that was probably meant.
  [[nodiscard]] static Result<NetworkSet> Parse(std::span<const std::string> entries);

  [[nodiscard]] bool Contains(const IpAddress& address) const;
  [[nodiscard]] bool empty() const { return networks_.empty(); }
  [[nodiscard]] std::size_t size() const { return networks_.size(); }

 private:
  struct Network {
    IpAddress base;
    unsigned prefix_bits = 0;  // of the 32 or 128
  };
  [[nodiscard]] static Result<Network> ParseNetwork(std::string_view entry);
  std::vector<Network> networks_;
};

}  // namespace countersign::net
