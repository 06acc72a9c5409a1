#include <algorithm>
#include <boost/json/serialize.hpp>
#include <utility>

#include "wire/compact.h"
#include "wire/json.h"
#include "wire/messages.h"
#include "wire/parts.h"

namespace countersign::wire {
namespace {

constexpr std::string_view kTyp = "countersign-order+jwt";
constexpr std::size_t kMaxActLen = 32;
// At most, without a bundle: what stands beside the arguments, and around the payload (in
// base64url, with the signature of the longest key).
constexpr std::size_t kOtherMembersLen = 512;
constexpr std::size_t kHeaderAndSignatureLen = 1'024;

bool IsAct(std::string_view text) {
  return !text.empty() && text.size() <= kMaxActLen &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

// An order to move has its bundle in `args`.
bool IsMove(const Order& order) { return order.act == "move"; }

std::size_t MaxLen(const Order& order) {
  return order.x5c.empty() && !IsMove(order) ? kMaxOrderLen : kMaxOrderWithBundleLen;
}

Result<Order> Read(const boost::json::object& header, const boost::json::object& payload) {
  auto signed_with = ReadCertificateHeader(header, kTyp);
  if (!signed_with) return std::unexpected(std::move(signed_with).error());
  Members members(payload, "order");
  Order order{.x5t = signed_with->x5t,
              .x5c = std::move(signed_with->x5c),
              .iss = members.Urn("iss"),
              .aud = members.Urn("aud"),
              .jti = members.Token("jti"),
              .iat = members.Integer("iat", 0, kMaxInteger),
              .challenge = std::string(members.Text("challenge")),
              .act = std::string(members.Text("act")),
              .args = {}};
  if (!IsAct(order.act)) members.Refuse("act", "is not [a-z0-9-]{1,32}");
  if (members.Has("args")) order.args = members.ObjectText("args", kMaxOrderWithBundleLen);
  if (IsMove(order) && !order.x5c.empty()) members.Refuse("act", "needs its bundle in \"args\"");
  COUNTERSIGN_RETURN_IF_ERROR(members.Finish());
  return order;
}

}  // namespace

Result<SignedOrder> ParseOrder(std::string_view message) {
  if (message.size() > kMaxOrderWithBundleLen) return Fail(Code::kMalformed, "order: too long");
  JsonArena arena;
  auto jws = ParseCompact(message, arena.storage());
  if (!jws) return WithContext("order", std::move(jws).error());
  const auto payload = ParseJsonObject(AsText(jws->payload), arena.storage());
  if (!payload) return WithContext("order", payload.error());
  auto order = Read(jws->header, *payload);
  if (!order) return std::unexpected(std::move(order).error());
  if (message.size() > MaxLen(*order)) return Fail(Code::kMalformed, "order: too long");
  return SignedOrder{std::move(jws->envelope), *std::move(order)};
}

Status CheckOrder(std::string_view act, std::string_view args) {
  if (!IsAct(act)) return Fail(Code::kUsage, "order: \"act\" is not [a-z0-9-]{1,32}");
  Order order;
  order.act = act;
  JsonArena arena;
  boost::json::object payload(arena.storage());
  COUNTERSIGN_RETURN_IF_ERROR(WriteObject(args, "args", 2, payload));
  const std::size_t len = kOtherMembersLen + boost::json::serialize(payload).size();
  if (len * 4 / 3 + kHeaderAndSignatureLen <= MaxLen(order)) return {};
  return Fail(Code::kUsage, "args: longer than an order may be");
}

Result<std::string> SignOrder(const Order& order, const crypto::Signer& signer) {
  if (!IsChallenge(order.challenge)) return Fail(Code::kUsage, "order: not a challenge");
  JsonArena arena;
  const auto header = MakeCertificateHeader(order.x5t, order.x5c, kTyp, signer, arena.storage());
  boost::json::object payload(arena.storage());
  payload["iss"] = order.iss.Urn();
  payload["aud"] = order.aud.Urn();
  payload["jti"] = order.jti.Text();
  payload["iat"] = order.iat;
  payload["challenge"] = order.challenge;
  payload["act"] = order.act;
  COUNTERSIGN_RETURN_IF_ERROR(WriteObject(order.args, "args", 2, payload));
  // What we sign must be what others accept: read it back by the rules of ParseOrder.
  if (auto same = Read(header, payload); !same) return Fail(Code::kUsage, same.error().message);
  return SignCompact(header, payload, signer, MaxLen(order));
}

}  // namespace countersign::wire
