#include "net/address.h"

#include <arpa/inet.h>

#include <algorithm>

namespace countersign::net {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

AddressClass ClassifyV4(std::span<const std::uint8_t> octets) {
  if (octets[0] == 0) return AddressClass::kUnspecified;
  if (octets[0] == 127) return AddressClass::kLoopback;
  if (octets[0] == 169 && octets[1] == 254) return AddressClass::kLinkLocal;
  if (octets[0] >= 224 && octets[0] <= 239) return AddressClass::kMulticast;
  if (std::ranges::all_of(octets, [](std::uint8_t octet) { return octet == 255; })) {
    return AddressClass::kMulticast;
  }
  return AddressClass::kOrdinary;
}

AddressClass ClassifyV6(std::span<const std::uint8_t> octets) {
  const auto is_zero = [](std::uint8_t octet) { return octet == 0; };
  if (std::ranges::all_of(octets.first(15), is_zero)) {
    if (octets[15] == 0) return AddressClass::kUnspecified;
    if (octets[15] == 1) return AddressClass::kLoopback;
  }
  if (octets[0] == 0xfe && (octets[1] & 0xc0) == 0x80) return AddressClass::kLinkLocal;
  if (octets[0] == 0xff) return AddressClass::kMulticast;
  return AddressClass::kOrdinary;
}

}  // namespace

IpAddress IpAddress::FromV4(const std::array<std::uint8_t, 4>& octets) {
  IpAddress address;
  address.v4_ = true;
  std::ranges::copy(octets, address.octets_.begin());
  return address;
}

IpAddress IpAddress::FromV6(const std::array<std::uint8_t, 16>& octets) {
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), octets.begin())) {
    return FromV4({octets[12], octets[13], octets[14], octets[15]});
  }
  IpAddress address;
  address.octets_ = octets;
  return address;
}

std::optional<IpAddress> IpAddress::Parse(std::string_view text) {
  if (text.empty() || text.size() >= INET6_ADDRSTRLEN) return std::nullopt;
  if (text.find('\0') != text.npos) return std::nullopt;  // inet_pton would stop there
  const std::string terminated(text);
  if (text.find(':') == text.npos) {
    std::array<std::uint8_t, 4> octets{};
    if (inet_pton(AF_INET, terminated.c_str(), octets.data()) != 1) return std::nullopt;
    return FromV4(octets);
  }
  std::array<std::uint8_t, 16> octets{};
  if (inet_pton(AF_INET6, terminated.c_str(), octets.data()) != 1) return std::nullopt;
  return FromV6(octets);
}

std::string IpAddress::Text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(v4_ ? AF_INET : AF_INET6, octets_.data(), text.data(), text.size());
  return text.data();
}

AddressClass IpAddress::Classify() const {
  return v4_ ? ClassifyV4(octets()) : ClassifyV6(octets());
}

IpAddress IpAddress::SourceNetwork() const {
  IpAddress network = *this;
  if (!v4_) std::fill(network.octets_.begin() + 8, network.octets_.end(), std::uint8_t{0});
  return network;
}

std::string IpAddress::SourceKey() const { return v4_ ? Text() : SourceNetwork().Text() + "/64"; }

}  // namespace countersign::net
