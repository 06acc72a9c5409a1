#include "daemon/mover_request.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <limits>
#include <string>
#include <utility>

#include "base/encoding.h"

namespace countersign::daemon {
namespace {

namespace json = boost::json;

constexpr std::int64_t kLongestWait = 3'600;
constexpr std::size_t kMaxWebKeys = 4;

std::unexpected<Error> Odd(std::string_view what) {
  return Fail(Code::kUsage, "the request to move is not as it should be: " + std::string(what));
}

// Number reads an integer member; nothing if absent.
Result<std::optional<std::int64_t>> Number(const json::object& object, std::string_view name,
                                           std::int64_t least, std::int64_t most) {
  const auto* const value = object.if_contains(name);
  if (value == nullptr) return std::nullopt;
  const auto* const number = value->if_int64();
  if (number == nullptr || *number < least || *number > most) return Odd(name);
  return *number;
}

Result<std::optional<std::uint16_t>> Port(const json::object& object, std::string_view name) {
  const auto number = Number(object, name, 1, std::numeric_limits<std::uint16_t>::max());
  if (!number) return std::unexpected(number.error());
  return number->transform([](std::int64_t port) { return static_cast<std::uint16_t>(port); });
}

bool Flag(const json::object& object, std::string_view name) {
  const auto* const value = object.if_contains(name);
  return value != nullptr && *value == true;
}

std::optional<std::string> Text(const json::object& object, std::string_view name) {
  const auto* const value = object.if_contains(name);
  const auto* const text = value == nullptr ? nullptr : value->if_string();
  if (text == nullptr) return std::nullopt;
  return std::string(*text);
}

// What a package of the target has beside the place: its token and the pins of its web host.
Status ReadPackaged(const net::ControlMessage& message, const json::object& object,
                    mover::Place& place) {
  if (const auto id = Text(object, "enrol")) {
    if (message.secrets.size() != 2) return Odd("enrol");
    place.enrol = wire::EnrolToken{*id, ToBytes(message.secrets[1].view())};
  }
  const auto* const keys = object.if_contains("web_keys");
  if (keys == nullptr) return {};
  if (!keys->is_array() || keys->get_array().size() > kMaxWebKeys) return Odd("web_keys");
  for (const auto& key : keys->get_array()) {
    const auto digits = key.is_string() ? ParseHex(key.get_string()) : std::nullopt;
    if (!digits || digits->size() != sizeof(Digest)) return Odd("web_keys");
    std::copy(digits->begin(), digits->end(), place.web_keys.emplace_back().begin());
  }
  return {};
}

Result<mover::Place> ReadPlace(const json::object& object) {
  mover::Place place;
  place.host = Text(object, "host").value_or("");
  if (place.host.empty()) return Odd("host");
  const auto http = Port(object, "http_port");
  const auto https = Port(object, "https_port");
  auto listen = Port(object, "listen_port");
  if (!http || !*http) return Odd("http_port");
  if (!https || !*https) return Odd("https_port");
  if (!listen) return std::unexpected(std::move(listen).error());
  place.http_port = http->value_or(0);
  place.https_port = https->value_or(0);
  place.listen_port = *listen;
  place.domain = Text(object, "domain");
  if (object.contains("tls")) place.tls = Flag(object, "tls");
  return place;
}

Result<MoveRequest> ReadMembers(const json::object& object) {
  auto place = ReadPlace(object);
  if (!place) return std::unexpected(std::move(place).error());
  MoveRequest request;
  request.place = *std::move(place);
  request.first_use = Flag(object, "first_use");
  request.dry_run = Flag(object, "dry_run");
  if (const auto hex = Text(object, "thumbprint")) {
    const auto digits = ParseHex(*hex);
    if (!digits || digits->size() != sizeof(Digest)) return Odd("thumbprint");
    std::copy(digits->begin(), digits->end(), request.thumbprint.emplace().begin());
  }
  const auto wait = Number(object, "wait", 0, kLongestWait);
  if (!wait) return std::unexpected(wait.error());
  request.wait = Seconds(wait->value_or(0));
  return request;
}

}  // namespace

Result<json::object> RequestObject(const net::ControlMessage& message) {
  boost::system::error_code failed;
  auto value = json::parse(message.json, failed);
  if (failed || !value.is_object()) return Odd("no object");
  return std::move(value.get_object());
}

Result<MoveRequest> ReadMoveRequest(const net::ControlMessage& message,
                                    const json::object& object) {
  auto request = ReadMembers(object);
  if (!request) return request;
  const bool fetches = request->thumbprint || request->first_use;
  if (message.blobs.size() != (fetches ? 0U : 1U)) return Odd("certificate");
  COUNTERSIGN_RETURN_IF_ERROR(ReadPackaged(message, object, request->place));
  return request;
}

}  // namespace countersign::daemon
