#include "wire/owner_request.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "wire/json.h"
#include "wire/members.h"
#include "wire/parts.h"

namespace countersign::wire {
namespace {

namespace json = boost::json;

constexpr std::string_view kRequestType = "countersign-owner-request";
constexpr std::string_view kAnswerType = "countersign-owner-answer";
constexpr std::size_t kMaxCertificates = 128;
constexpr std::size_t kMaxServerIds = 32;
constexpr std::size_t kMaxNameLen = 64;
constexpr std::size_t kIdLen = 16;

Bytes OctetsOf(Members& members, std::string_view name) {
  auto octets = Base64UrlDecode(members.Text(name));
  if (octets && !octets->empty()) return *std::move(octets);
  members.Refuse(name, "is not base64url");
  return {};
}

Instant TimeOf(Members& members, std::string_view name) {
  return FromUnix(static_cast<std::int64_t>(members.Integer(name, 0, kMaxInteger)));
}

std::vector<ServerId> ServerIdsOf(Members& members) {
  std::vector<ServerId> ids;
  for (const json::value& entry : members.Array("server_ids", kMaxServerIds)) {
    const json::string* const text = entry.if_string();
    const auto id = text == nullptr ? std::nullopt : ServerId::ParseText(*text);
    if (!id) {
      members.Refuse("server_ids", "has an entry that is no UUID");
      return {};
    }
    ids.push_back(*id);
  }
  if (ids.empty()) members.Refuse("server_ids", "is empty");
  return ids;
}

std::vector<Bytes> CertificatesOf(Members& members) {
  std::vector<Bytes> certificates;
  for (const json::value& entry : members.Array("certificates", kMaxCertificates)) {
    const json::string* const text = entry.if_string();
    auto der = text == nullptr ? std::nullopt : Base64UrlDecode(*text);
    if (!der || der->empty()) {
      members.Refuse("certificates", "has an entry that is not base64url");
      return {};
    }
    certificates.push_back(*std::move(der));
  }
  return certificates;
}

// One text of 16 octets for each agent, as in the manifest of a backup.
std::vector<AgentId> AdmittedOf(Members& members) {
  const auto octets = Base64UrlDecode(members.Text("admitted"));
  if (!octets || octets->size() % kIdLen != 0) {
    members.Refuse("admitted", "is no list of agent ids");
    return {};
  }
  std::vector<AgentId> ids;
  ids.reserve(octets->size() / kIdLen);
  Reader reader(*octets);
  while (!reader.AtEnd()) ids.emplace_back(reader.ReadArray<kIdLen>());
  return ids;
}

json::array TextsOf(const std::vector<Bytes>& all) {
  json::array texts;
  for (const Bytes& one : all) texts.emplace_back(Base64UrlEncode(one));
  return texts;
}

Status CheckLen(std::string_view text) {
  if (text.size() <= kMaxOwnerFileLen) return {};
  return Fail(Code::kMalformed, "the file is larger than 2 MiB");
}

}  // namespace

std::string FormatOwnerRequest(const OwnerRequest& request) {
  json::array server_ids;
  for (const ServerId& id : request.server_ids) server_ids.emplace_back(id.Text());
  Writer admitted;
  for (const AgentId& id : request.admitted) admitted.Raw(id.bytes());
  json::object object;
  object["type"] = kRequestType;
  object["server_ids"] = std::move(server_ids);
  object["generation"] = request.generation;
  object["common_name"] = request.common_name;
  object["not_before"] = ToUnix(request.not_before);
  object["not_after"] = ToUnix(request.not_after);
  object["reserve_not_after"] = ToUnix(request.reserve_not_after);
  object["active_key"] = Base64UrlEncode(request.active_key);
  object["reserve_key"] = Base64UrlEncode(request.reserve_key);
  object["owner"] = Base64UrlEncode(request.owner);
  object["compromised"] = request.compromised;
  object["created"] = ToUnix(request.created);
  object["certificates"] = TextsOf(request.certificates);
  object["admitted"] = Base64UrlEncode(admitted.bytes());
  return json::serialize(object) + "\n";
}

Result<OwnerRequest> ParseOwnerRequest(std::string_view text) {
  COUNTERSIGN_RETURN_IF_ERROR(CheckLen(text));
  if (text.ends_with('\n')) text.remove_suffix(1);
  JsonArena arena;
  const auto object = ParseJsonObject(text, arena.storage());
  if (!object) return WithContext("no request to the owner", object.error());
  Members members(*object, "request to the owner");
  members.ExpectText("type", kRequestType);
  OwnerRequest request{.server_ids = ServerIdsOf(members),
                       .generation = members.Integer("generation", 1, kMaxInteger - 1),
                       .common_name = members.Printable("common_name", kMaxNameLen),
                       .not_before = TimeOf(members, "not_before"),
                       .not_after = TimeOf(members, "not_after"),
                       .reserve_not_after = TimeOf(members, "reserve_not_after"),
                       .active_key = OctetsOf(members, "active_key"),
                       .reserve_key = OctetsOf(members, "reserve_key"),
                       .owner = members.Octets32("owner"),
                       .compromised = members.Bool("compromised"),
                       .created = TimeOf(members, "created"),
                       .certificates = CertificatesOf(members),
                       .admitted = AdmittedOf(members)};
  if (request.common_name.empty()) members.Refuse("common_name", "is empty");
  if (request.active_key == request.reserve_key) members.Refuse("reserve_key", "is the active one");
  COUNTERSIGN_RETURN_IF_ERROR(members.Finish());
  return request;
}

std::string FormatOwnerAnswer(const OwnerAnswer& answer) {
  json::object object;
  object["type"] = kAnswerType;
  object["active"] = Base64UrlEncode(answer.active);
  object["reserve"] = Base64UrlEncode(answer.reserve);
  object["backup"] = Base64UrlEncode(answer.backup);
  return json::serialize(object) + "\n";
}

Result<OwnerAnswer> ParseOwnerAnswer(std::string_view text) {
  COUNTERSIGN_RETURN_IF_ERROR(CheckLen(text));
  if (text.ends_with('\n')) text.remove_suffix(1);
  JsonArena arena;
  const auto object = ParseJsonObject(text, arena.storage());
  if (!object) return WithContext("no answer of the owner", object.error());
  Members members(*object, "answer of the owner");
  members.ExpectText("type", kAnswerType);
  OwnerAnswer answer{.active = OctetsOf(members, "active"),
                     .reserve = OctetsOf(members, "reserve"),
                     .backup = OctetsOf(members, "backup")};
  COUNTERSIGN_RETURN_IF_ERROR(members.Finish());
  return answer;
}

}  // namespace countersign::wire
