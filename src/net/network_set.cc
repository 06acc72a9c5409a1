#include <algorithm>
#include <charconv>

#include "net/address.h"

namespace countersign::net {
namespace {

// Masked keeps the first `bits` bits of an address.
IpAddress Masked(const IpAddress& address, unsigned bits) {
  std::array<std::uint8_t, 16> octets{};
  std::ranges::copy(address.octets(), octets.begin());
  for (unsigned i = 0; i < octets.size(); ++i) {
    const unsigned kept = bits > i * 8 ? std::min(bits - i * 8, 8U) : 0;
    octets[i] = static_cast<std::uint8_t>(octets[i] & (0xff00U >> kept));
  }
  if (address.is_v4()) return IpAddress::FromV4({octets[0], octets[1], octets[2], octets[3]});
  return IpAddress::FromV6(octets);
}

std::optional<unsigned> ParseBits(std::string_view text, unsigned max) {
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (error != std::errc() || end != text.data() + text.size() || bits > max) return std::nullopt;
  return bits;
}

}  // namespace

Result<NetworkSet::Network> NetworkSet::ParseNetwork(std::string_view entry) {
  const std::string quoted = "\"" + std::string(entry.substr(0, 80)) + "\"";
  const std::size_t slash = entry.find('/');
  const std::string_view base_text = entry.substr(0, slash);
  const auto base = IpAddress::Parse(base_text);
  if (!base) return Fail(Code::kMalformed, quoted + " is not a network such as 10.0.0.0/8");
  const unsigned width = base->is_v4() ? 32 : 128;
  if (slash == entry.npos) return Network{*base, width};
  if (base->is_v4() && base_text.find(':') != base_text.npos) {
    return Fail(Code::kMalformed, quoted + " maps IPv4 into IPv6; write it as an IPv4 network");
  }
  const auto bits = ParseBits(entry.substr(slash + 1), width);
  if (!bits) {
    return Fail(Code::kMalformed,
                quoted + " has no prefix length from 0 to " + std::to_string(width));
  }
  const IpAddress masked = Masked(*base, *bits);
  if (masked != *base) {
    return Fail(Code::kMalformed, quoted + " has bits set after its prefix; did you mean " +
                                      masked.Text() + "/" + std::to_string(*bits) + "?");
  }
  return Network{*base, *bits};
}

Result<NetworkSet> NetworkSet::Parse(std::span<const std::string> entries) {
  NetworkSet set;
  for (const std::string& entry : entries) {
    auto network = ParseNetwork(entry);
    if (!network) return std::unexpected(std::move(network).error());
    set.networks_.push_back(*network);
  }
  return set;
}

bool NetworkSet::Contains(const IpAddress& address) const {
  return std::ranges::any_of(networks_, [&address](const Network& network) {
    return network.base.is_v4() == address.is_v4() &&
           Masked(address, network.prefix_bits) == network.base;
  });
}

}  // namespace countersign::net
