#include "wire/warrant.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <utility>

#include "base/encoding.h"
#include "crypto/certificate.h"
#include "wire/compact.h"
#include "wire/json.h"
#include "wire/parts.h"

namespace countersign::wire {
namespace {

namespace json = boost::json;

constexpr std::string_view kTyp = "countersign-warrant+jwt";
constexpr std::string_view kAllAgents = "all";

// The one certificate of the header. That it parses is asked where its key is needed.
Result<Bytes> ReadHeader(const json::object& header) {
  Members members(header, kTyp);
  members.Ignore("alg");  // ParseCompact has read it
  members.ExpectText("typ", kTyp);
  auto x5c = ReadX5c(members);
  if (x5c.size() != 1) members.Refuse("x5c", "is not one certificate, the owner's");
  COUNTERSIGN_RETURN_IF_ERROR(members.Finish());
  return std::move(x5c.front());
}

WarrantAct ReadAct(Members& members) {
  const std::string_view name = members.Text("act");
  for (const WarrantAct act : {WarrantAct::kMove, WarrantAct::kUnlock}) {
    if (name == WarrantActName(act)) return act;
  }
  members.Refuse("act", "is neither \"move\" nor \"unlock\"");
  return {};
}

std::vector<AgentId> ReadAgents(const json::object& payload, Members& members) {
  const json::value* const value = payload.if_contains("agents");
  if (value != nullptr && value->is_string()) {
    members.ExpectText("agents", kAllAgents);
    return {};
  }
  std::vector<AgentId> agents;
  for (const json::value& entry : members.Array("agents", kMaxWarrantAgents)) {
    const json::string* const text = entry.if_string();
    const auto id = text == nullptr ? std::nullopt : AgentId::ParseUrn(*text);
    if (!id) {
      members.Refuse("agents", "has an entry that is no urn:uuid: of an agent");
      return {};
    }
    if (std::ranges::find(agents, *id) != agents.end()) {
      members.Refuse("agents", "has an agent twice");
      return {};
    }
    agents.push_back(*id);
  }
  // An empty list must not come to mean all.
  if (agents.empty()) members.Refuse("agents", "is empty");
  return agents;
}

std::optional<MoveTarget> ReadTarget(Members& members, WarrantAct act) {
  if (act != WarrantAct::kMove) return std::nullopt;
  Members inner(members.Object("target"), "target");
  MoveTarget target{.server = inner.Urn("server"),
                    .owner = inner.Octets32("owner"),
                    .generation = inner.Integer("generation", 1, kMaxInteger)};
  for (const json::value& entry : inner.Array("addresses", kMaxTargetAddresses)) {
    const json::string* const text = entry.if_string();
    const bool is_fine = text != nullptr && !text->empty() &&
                         text->size() <= kMaxTargetAddressLen && IsPrintableUtf8(*text);
    if (!is_fine) {
      inner.Refuse("addresses", "has an entry that is not 1..64 printable octets");
      break;
    }
    target.addresses.emplace_back(*text);
  }
  if (target.addresses.empty()) inner.Refuse("addresses", "is empty");
  members.Adopt(inner.Finish());
  return target;
}

Result<Warrant> ReadPayload(const json::object& payload, Bytes x5c) {
  Members members(payload, "warrant");
  Warrant warrant{.x5c = std::move(x5c),
                  .jti = members.Token("jti"),
                  .iat = members.Integer("iat", 0, kMaxInteger),
                  .exp = members.Integer("exp", 1, kMaxInteger),
                  .server = members.Urn("server"),
                  .act = ReadAct(members)};
  warrant.agents = ReadAgents(payload, members);
  warrant.target = ReadTarget(members, warrant.act);
  const auto most = static_cast<std::uint64_t>(kMaxWarrantLife.count());
  if (warrant.exp <= warrant.iat || warrant.exp - warrant.iat > most) {
    members.Refuse("exp", "is not later than \"iat\" by at most 30 days");
  }
  if (warrant.act == WarrantAct::kUnlock && warrant.agents.size() != 1) {
    members.Refuse("agents", "is not exactly one, as \"unlock\" needs it");
  }
  COUNTERSIGN_RETURN_IF_ERROR(members.Finish());
  return warrant;
}

json::object PayloadOf(const Warrant& warrant, const json::storage_ptr& storage) {
  json::object payload(storage);
  payload["jti"] = warrant.jti.Text();
  payload["iat"] = warrant.iat;
  payload["exp"] = warrant.exp;
  payload["server"] = warrant.server.Urn();
  payload["act"] = WarrantActName(warrant.act);
  if (warrant.agents.empty()) {
    payload["agents"] = kAllAgents;
  } else {
    json::array& agents = payload["agents"].emplace_array();
    for (const AgentId& id : warrant.agents) agents.emplace_back(id.Urn());
  }
  if (!warrant.target) return payload;
  json::object& target = payload["target"].emplace_object();
  target["server"] = warrant.target->server.Urn();
  target["owner"] = Base64UrlEncode(warrant.target->owner);
  target["generation"] = warrant.target->generation;
  json::array& addresses = target["addresses"].emplace_array();
  for (const std::string& address : warrant.target->addresses) addresses.emplace_back(address);
  return payload;
}

}  // namespace

std::string_view WarrantActName(WarrantAct act) {
  return act == WarrantAct::kMove ? "move" : "unlock";
}

Result<SignedWarrant> ParseWarrant(std::string_view text) {
  if (text.size() > kMaxWarrantLen) return Fail(Code::kMalformed, "warrant: too long");
  JsonArena arena;
  auto jws = ParseCompact(text, arena.storage());
  if (!jws) return WithContext("warrant", std::move(jws).error());
  auto x5c = ReadHeader(jws->header);
  if (!x5c) return std::unexpected(std::move(x5c).error());
  const auto payload = ParseJsonObject(AsText(jws->payload), arena.storage());
  if (!payload) return WithContext("warrant", payload.error());
  auto warrant = ReadPayload(*payload, *std::move(x5c));
  if (!warrant) return std::unexpected(std::move(warrant).error());
  return SignedWarrant{std::move(jws->envelope), *std::move(warrant)};
}

Result<std::string> SignWarrant(const Warrant& warrant, const crypto::Signer& signer) {
  const auto owner = crypto::Certificate::Parse(warrant.x5c);
  if (!owner || !(owner->key() == signer.public_key())) {
    return Fail(Code::kUsage, "warrant: not signed by the key of the certificate in it");
  }
  JsonArena arena;
  auto header = MakeHeader(signer, kTyp, arena.storage());
  WriteX5c({warrant.x5c}, header);
  const auto payload = PayloadOf(warrant, arena.storage());
  // What we sign must be what others accept: read it back by the rules of ParseWarrant.
  if (auto same = ReadPayload(payload, warrant.x5c); !same) {
    return Fail(Code::kUsage, same.error().message);
  }
  return SignCompact(header, payload, signer, kMaxWarrantLen);
}

}  // namespace countersign::wire
