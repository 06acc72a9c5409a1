#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "wire/compact.h"
#include "wire/json.h"
#include "wire/messages.h"
#include "wire/parts.h"

namespace countersign::wire {
namespace {

constexpr std::string_view kTyp = "countersign-reply+jwt";
constexpr std::uint64_t kMinInterval = 60;
constexpr std::uint64_t kMaxInterval = 86'400;
constexpr std::size_t kMaxHeadLen = 255;

// Of the orders only the alphabet is looked at here: each is parsed, and answered, on its own.
bool IsCompactText(std::string_view text) {
  return !text.empty() && text.size() <= kMaxOrderLen &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '.' || IsBase64UrlCharacter(c); });
}

std::vector<std::string> ReadOrders(Members& payload) {
  std::vector<std::string> orders;
  for (const boost::json::value& entry : payload.Array("orders", kMaxReplyOrders)) {
    const boost::json::string* text = entry.if_string();
    if (text == nullptr || !IsCompactText(*text)) {
      payload.Refuse("orders", "has an entry that cannot be an order");
      return {};
    }
    orders.emplace_back(text->data(), text->size());
  }
  return orders;
}

std::optional<std::uint64_t> ReadJump(Members& payload) {
  if (!payload.Has("jump")) return std::nullopt;
  return payload.Integer("jump", 0, kMaxInteger);
}

// Both optional members have one value only; where they are absent they are false.
bool ReadWantBundle(Members& payload) {
  if (!payload.Has("want")) return false;
  payload.ExpectText("want", "bundle");
  return true;
}

bool ReadAccepted(Members& payload) {
  if (!payload.Has("accepted")) return false;
  if (!payload.Bool("accepted")) payload.Refuse("accepted", "is not true");
  return true;
}

std::vector<Digest> ReadWeb(Members& payload) {
  std::vector<Digest> keys;
  if (!payload.Has("web")) return keys;
  for (const boost::json::value& entry : payload.Array("web", kMaxWebKeys)) {
    const boost::json::string* text = entry.if_string();
    const auto octets = text == nullptr ? std::nullopt : Base64UrlDecode(*text);
    Digest key{};
    if (!octets || octets->size() != key.size()) {
      payload.Refuse("web", "has an entry that is not the digest of a key");
      return {};
    }
    std::ranges::copy(*octets, key.begin());
    keys.push_back(key);
  }
  if (keys.empty()) payload.Refuse("web", "is empty");
  return keys;
}

std::uint64_t ReadWait(Members& payload) {
  return payload.Has("wait") ? payload.Integer("wait", 1, kMaxWait) : 0;
}

Result<Reply> Read(const boost::json::object& header, const boost::json::object& payload) {
  auto signed_with = ReadCertificateHeader(header, kTyp);
  if (!signed_with) return std::unexpected(std::move(signed_with).error());
  Members members(payload, "reply");
  Reply reply{.x5t = signed_with->x5t,
              .x5c = std::move(signed_with->x5c),
              .iss = members.Urn("iss"),
              .aud = members.Urn("aud"),
              .challenge = std::string(members.Text("challenge")),
              .iat = members.Integer("iat", 0, kMaxInteger),
              .nonce = members.Token("nonce"),
              .interval = members.Integer("interval", kMinInterval, kMaxInterval),
              .head = members.Printable("head", kMaxHeadLen),
              .jump = ReadJump(members),
              .want_bundle = ReadWantBundle(members),
              .accepted = ReadAccepted(members),
              .web = ReadWeb(members),
              .wait = ReadWait(members),
              .orders = ReadOrders(members)};
  COUNTERSIGN_RETURN_IF_ERROR(members.Finish());
  return reply;
}

boost::json::object MakePayload(const Reply& reply, boost::json::storage_ptr storage) {
  boost::json::object payload(std::move(storage));
  payload["iss"] = reply.iss.Urn();
  payload["aud"] = reply.aud.Urn();
  payload["challenge"] = reply.challenge;
  payload["iat"] = reply.iat;
  payload["nonce"] = reply.nonce.Text();
  payload["interval"] = reply.interval;
  payload["head"] = reply.head;
  if (reply.jump) payload["jump"] = *reply.jump;
  if (reply.want_bundle) payload["want"] = "bundle";
  if (reply.accepted) payload["accepted"] = true;
  if (!reply.web.empty()) {
    boost::json::array& web = payload["web"].emplace_array();
    for (const Digest& key : reply.web) web.emplace_back(Base64UrlEncode(key));
  }
  if (reply.wait != 0) payload["wait"] = reply.wait;
  boost::json::array& orders = payload["orders"].emplace_array();
  for (const std::string& order : reply.orders) orders.emplace_back(order);
  return payload;
}

}  // namespace

Result<SignedReply> ParseReply(std::string_view message) {
  if (message.size() > kMaxReplyLen) return Fail(Code::kMalformed, "reply: too long");
  JsonArena arena;
  auto jws = ParseCompact(message, arena.storage());
  if (!jws) return WithContext("reply", std::move(jws).error());
  const auto payload = ParseJsonObject(AsText(jws->payload), arena.storage());
  if (!payload) return WithContext("reply", payload.error());
  auto reply = Read(jws->header, *payload);
  if (!reply) return std::unexpected(std::move(reply).error());
  return SignedReply{std::move(jws->envelope), *std::move(reply)};
}

Result<std::string> SignReply(const Reply& reply, const crypto::Signer& signer) {
  if (!IsChallenge(reply.challenge)) return Fail(Code::kUsage, "reply: not a challenge");
  JsonArena arena;
  const auto header = MakeCertificateHeader(reply.x5t, reply.x5c, kTyp, signer, arena.storage());
  const auto payload = MakePayload(reply, arena.storage());
  // What we sign must be what others accept: read it back by the rules of ParseReply.
  if (auto same = Read(header, payload); !same) return Fail(Code::kUsage, same.error().message);
  return SignCompact(header, payload, signer, kMaxReplyLen);
}

}  // namespace countersign::wire
