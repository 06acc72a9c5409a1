#include "wire/move_target.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <optional>

#include "base/encoding.h"
#include "trust/rule_a.h"
#include "wire/json.h"
#include "wire/members.h"
#include "wire/messages.h"
#include "wire/parts.h"

namespace countersign::wire {
namespace {

namespace json = boost::json;

constexpr std::string_view kType = "countersign-move-target";

json::array TextsOf(const std::vector<Bytes>& bundle) {
  json::array texts;
  for (const Bytes& der : bundle) texts.emplace_back(Base64UrlEncode(der));
  return texts;
}

std::vector<Bytes> BundleOf(Members& members) {
  std::vector<Bytes> bundle;
  std::size_t total_len = 0;
  for (const json::value& entry : members.Array("bundle", trust::kMaxBundle)) {
    const json::string* const text = entry.if_string();
    auto der = text == nullptr ? std::nullopt : Base64UrlDecode(*text);
    if (!der || der->empty()) {
      members.Refuse("bundle", "has an entry that is not base64url");
      return {};
    }
    total_len += der->size();
    bundle.push_back(*std::move(der));
  }
  if (bundle.size() < trust::kMinBundle || total_len > trust::kMaxBundleLen) {
    members.Refuse("bundle", "has to be 2 to 32 certificates of at most 32 KiB");
  }
  return bundle;
}

std::vector<std::string> AddressesOf(Members& members) {
  std::vector<std::string> addresses;
  for (const json::value& entry : members.Array("addresses", kMaxTargetAddresses)) {
    const json::string* const text = entry.if_string();
    if (text == nullptr || !ParseMoveAddress(*text)) {
      members.Refuse("addresses", "has an entry that is no host:port of at most 64 octets");
      return {};
    }
    addresses.emplace_back(*text);
  }
  if (addresses.empty()) members.Refuse("addresses", "is empty");
  return addresses;
}

std::optional<std::uint16_t> PortOf(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool whole = failed == std::errc() && end == text.data() + text.size();
  return whole && port != 0 ? std::optional(port) : std::nullopt;
}

// Letters, digits and what else stands in host names and addresses: nothing that a shell, a log or
// agent.toml would take for something else.
bool IsHost(std::string_view host, bool in_brackets) {
  return !host.empty() && std::ranges::all_of(host, [&](char c) {
    const bool is_name = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    return is_name || (in_brackets && (c == ':' || c == '%'));
  });
}

std::unexpected<Error> NoAddress(std::string_view text) {
  return Fail(Code::kMalformed, "\"" + std::string(text.substr(0, 64)) +
                                    "\" is no address like new.example, new.example:8080 or "
                                    "[2001:db8::1]:8080:4343");
}

std::unexpected<Error> TooLong(std::string_view text) {
  return Fail(Code::kMalformed,
              "an address of a target has at most " + std::to_string(kMaxTargetAddressLen) +
                  " octets with its ports, and this one has " + std::to_string(text.size()),
              "give a shorter name or the IP address (the ports 8080 and 4343 can be left out): "
              "countersign move expect LIST --address HOST:PORT");
}

}  // namespace

std::string FormatMoveAnnouncement(const MoveAnnouncement& announcement) {
  const MoveTarget& target = announcement.target;
  json::array addresses;
  for (const std::string& address : target.addresses) addresses.emplace_back(address);
  json::object object;
  object["type"] = kType;
  object["server"] = target.server.Urn();
  object["owner"] = Base64UrlEncode(target.owner);
  object["generation"] = target.generation;
  object["addresses"] = std::move(addresses);
  object["bundle"] = TextsOf(announcement.bundle);
  return json::serialize(object) + "\n";
}

Result<MoveAnnouncement> ParseMoveAnnouncement(std::string_view text) {
  if (text.size() > kMaxAnnouncementLen) {
    return Fail(Code::kMalformed, "no announcement of a target: it is larger than 64 KiB");
  }
  if (text.ends_with('\n')) text.remove_suffix(1);
  JsonArena arena;
  const auto object = ParseJsonObject(text, arena.storage());
  if (!object) return WithContext("no announcement of a target", object.error());
  Members members(*object, "announcement of a target");
  members.ExpectText("type", kType);
  MoveAnnouncement announcement;
  announcement.target.server = members.Urn("server");
  announcement.target.owner = members.Octets32("owner");
  announcement.target.generation = members.Integer("generation", 1, kMaxInteger);
  announcement.target.addresses = AddressesOf(members);
  announcement.bundle = BundleOf(members);
  COUNTERSIGN_RETURN_IF_ERROR(members.Finish());
  return announcement;
}

std::string FormatMoveArgs(const MoveArgs& args) {
  return json::serialize(json::object{{"warrant", args.warrant}, {"bundle", TextsOf(args.bundle)}});
}

Result<MoveArgs> ParseMoveArgs(std::string_view text) {
  JsonArena arena;
  const auto object = ParseJsonObject(text, arena.storage());
  if (!object) return WithContext("order to move", object.error());
  Members members(*object, "order to move");
  MoveArgs args{.warrant = std::string(members.Text("warrant")), .bundle = BundleOf(members)};
  COUNTERSIGN_RETURN_IF_ERROR(members.Finish());
  return args;
}

bool IsMoveHost(std::string_view host) {
  if (host.find(':') == std::string_view::npos) return IsHost(host, false);
  const std::string_view address = host.substr(0, host.find('%'));
  return IsHost(host, true) && std::ranges::count(address, ':') >= 2 &&
         address.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

Result<MoveAddress> ParseMoveAddress(std::string_view text, const MoveAddress& usual) {
  if (text.size() > kMaxTargetAddressLen) return TooLong(text);
  MoveAddress address = usual;
  std::string_view host = text;
  std::string_view ports;
  const bool in_brackets = text.starts_with('[');
  if (in_brackets) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return NoAddress(text);
    host = text.substr(1, end - 1);
    ports = text.substr(end + 1);
  } else if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    ports = text.substr(colon);
  }
  if (!IsHost(host, in_brackets)) return NoAddress(text);
  address.host = host;
  if (ports.empty()) return address;
  if (!ports.starts_with(':')) return NoAddress(text);
  ports.remove_prefix(1);
  const auto colon = ports.find(':');
  const auto http = PortOf(ports.substr(0, colon));
  if (!http) return NoAddress(text);
  address.http_port = *http;
  if (colon == std::string_view::npos) return address;
  const auto https = PortOf(ports.substr(colon + 1));
  if (!https) return NoAddress(text);
  address.https_port = *https;
  return address;
}

std::string FormatMoveAddress(const MoveAddress& address) {
  const MoveAddress usual;
  const bool is_v6 = address.host.find(':') != std::string::npos;
  const std::string host = is_v6 ? "[" + address.host + "]" : address.host;
  const std::string with_http = host + ":" + std::to_string(address.http_port);
  std::string text = with_http + ":" + std::to_string(address.https_port);
  if (text.size() <= kMaxTargetAddressLen || address.https_port != usual.https_port) return text;
  if (with_http.size() <= kMaxTargetAddressLen || address.http_port != usual.http_port) {
    return with_http;
  }
  return host;
}

}  // namespace countersign::wire
