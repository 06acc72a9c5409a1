#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "net/address.h"

// Private to net/: between our addresses and Asio's.

namespace countersign::net {

[[nodiscard]] inline IpAddress FromAsio(const boost::asio::ip::address& address) {
  return address.is_v4() ? IpAddress::FromV4(address.to_v4().to_bytes())
                         : IpAddress::FromV6(address.to_v6().to_bytes());
}

[[nodiscard]] inline boost::asio::ip::address ToAsio(const IpAddress& address) {
  const auto octets = address.octets();
  if (address.is_v4()) {
    return boost::asio::ip::address_v4({octets[0], octets[1], octets[2], octets[3]});
  }
  boost::asio::ip::address_v6::bytes_type bytes{};
  std::copy(octets.begin(), octets.end(), bytes.begin());
  return boost::asio::ip::address_v6(bytes);
}

}  // namespace countersign::net
