#include <algorithm>
#include <charconv>

#include "net/address.h"

namespace countersign::net {
namespace {

constexpr std::size_t kMaxHostLen = 253;  // RFC 1035 2.3.4, as text without the last dot
constexpr std::size_t kMaxLabelLen = 63;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool IsLabel(std::string_view label) {
  if (label.empty() || label.size() > kMaxLabelLen) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  return std::ranges::all_of(
      label, [](char c) { return IsDigit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_'; });
}

// LooksNumeric finds labels that inet_aton, and so the resolver, would take for part of an address:
// "1", "0x7f".
bool LooksNumeric(std::string_view label) {
  if (label.starts_with("0x")) return true;
  return std::ranges::all_of(label, IsDigit);
}

// ParseName checks a lower-case host name (one last dot allowed).
bool IsName(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > kMaxHostLen) return false;
  std::string_view label;
  while (true) {
    const std::size_t dot = name.find('.');
    label = name.substr(0, dot);
    if (!IsLabel(label)) return false;
    if (dot == name.npos) break;
    name.remove_prefix(dot + 1);
  }
  return !LooksNumeric(label);
}

std::optional<std::uint16_t> ParsePort(std::string_view text) {
  std::uint16_t port = 0;
  if (text.empty() || text.size() > 5 || !std::ranges::all_of(text, IsDigit)) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

// Printable shortens and masks untrusted text for an error message.
std::string Printable(std::string_view text) {
  std::string out(text.substr(0, 80));
  std::ranges::replace_if(out, [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return out;
}

struct Split {
  std::string_view host;
  std::optional<std::string_view> port;
  bool bracketed = false;
};

// SplitPort separates host and port; nothing if brackets or colons make no sense.
std::optional<Split> SplitPort(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == text.npos) return std::nullopt;
    const std::string_view rest = text.substr(close + 1);
    const std::string_view host = text.substr(1, close - 1);
    if (rest.empty()) return Split{host, std::nullopt, true};
    if (rest.front() != ':') return std::nullopt;
    return Split{host, rest.substr(1), true};
  }
  const std::size_t colon = text.find(':');
  if (colon == text.npos || text.find(':', colon + 1) != text.npos) {
    return Split{text, std::nullopt, false};  // a name, or a bare IPv6 address
  }
  return Split{text.substr(0, colon), text.substr(colon + 1), false};
}

}  // namespace

std::string Endpoint::Text() const {
  const bool v6 = host.find(':') != host.npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Endpoint> ParseEndpoint(std::string_view text, std::uint16_t default_port) {
  const auto malformed = [text](std::string_view what) {
    return Fail(Code::kMalformed, "\"" + Printable(text) + "\" " + std::string(what));
  };
  const auto split = SplitPort(text);
  if (!split) return malformed("is not HOST, HOST:PORT or [IPV6]:PORT");
  Endpoint endpoint;
  endpoint.port = default_port;
  if (split->port) {
    const auto port = ParsePort(*split->port);
    if (!port) return malformed("has no port from 1 to 65535 after its colon");
    endpoint.port = *port;
  }
  if (const auto address = IpAddress::Parse(split->host)) {
    if (split->bracketed && split->host.find(':') == split->host.npos) {
      return malformed("has brackets round something else than an IPv6 address");
    }
    endpoint.host = address->Text();
    return endpoint;
  }
  if (split->bracketed) return malformed("has no IPv6 address in its brackets");
  endpoint.host.resize(split->host.size());
  std::ranges::transform(split->host, endpoint.host.begin(), Lower);
  if (!IsName(endpoint.host)) return malformed("has neither an address nor a host name");
  return endpoint;
}

}  // namespace countersign::net
