#include "keys/manifest.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdint>
#include <exception>
#include <optional>

#include "base/encoding.h"

namespace countersign::keys {
namespace {

namespace json = boost::json;

constexpr std::int64_t kVersion = 1;
constexpr std::uint64_t kMaxGeneration = (std::uint64_t{1} << 53) - 1;
constexpr std::size_t kIdLen = 16;

std::unexpected<Error> Malformed(std::string_view what) {
  return Fail(Code::kMalformed, "the manifest of the backup: " + std::string(what));
}

// Members of an object, by the kind that they must have; nothing if absent or of another kind.
const json::string* FindText(const json::object& object, std::string_view name) {
  const json::value* member = object.if_contains(name);
  return member == nullptr ? nullptr : member->if_string();
}
const json::array* FindArray(const json::object& object, std::string_view name) {
  const json::value* member = object.if_contains(name);
  return member == nullptr ? nullptr : member->if_array();
}
std::optional<std::int64_t> FindInteger(const json::object& object, std::string_view name) {
  const json::value* member = object.if_contains(name);
  if (member == nullptr || !member->is_int64()) return std::nullopt;
  return member->get_int64();
}

std::optional<ServerId> ReadServerId(const json::value& value) {
  const json::string* text = value.if_string();
  if (text == nullptr) return std::nullopt;
  return ServerId::ParseText(*text);
}

Status ReadServers(const json::object& object, BackupManifest& manifest) {
  const json::array* servers = FindArray(object, "servers");
  if (servers == nullptr) return Malformed("no list of servers");
  for (const json::value& server : *servers) {
    const std::optional<ServerId> id = ReadServerId(server);
    if (!id) return Malformed("a server id is none");
    manifest.server_ids.push_back(*id);
  }
  return {};
}

Status ReadGenerations(const json::object& object, BackupManifest& manifest) {
  const json::value* member = object.if_contains("generations");
  const json::object* generations = member == nullptr ? nullptr : member->if_object();
  if (generations == nullptr) return Malformed("no generations");
  for (const auto& entry : *generations) {
    const std::optional<ServerId> id = ServerId::ParseText(entry.key());
    const json::value& number = entry.value();
    const bool in_range = number.is_int64() && number.get_int64() >= 0 &&
                          static_cast<std::uint64_t>(number.get_int64()) <= kMaxGeneration;
    if (!id || !in_range) return Malformed("a generation is none");
    manifest.generations[*id] = static_cast<std::uint64_t>(number.get_int64());
  }
  return {};
}

Status ReadAdmitted(const json::object& object, BackupManifest& manifest) {
  const json::string* text = FindText(object, "admitted");
  if (text == nullptr) return Malformed("no list of admitted agents");
  const std::optional<Bytes> ids = Base64UrlDecode(*text);
  if (!ids || ids->size() % kIdLen != 0) return Malformed("the list of admitted agents is none");
  Reader reader(*ids);
  manifest.admitted.reserve(ids->size() / kIdLen);
  while (!reader.AtEnd()) manifest.admitted.emplace_back(reader.ReadArray<kIdLen>());
  return {};
}

Status ReadTimeAndHistory(const json::object& object, BackupManifest& manifest) {
  const std::optional<std::int64_t> written_at = FindInteger(object, "written_at");
  if (!written_at) return Malformed("no time");
  manifest.written_at = FromUnix(*written_at);
  const json::string* history = FindText(object, "history");
  if (history == nullptr) return Malformed("no history");
  std::optional<Bytes> octets = Base64UrlDecode(*history);
  if (!octets) return Malformed("the history is not base64url");
  manifest.history = *std::move(octets);
  return {};
}

Status ReadRevoked(const json::object& object, BackupManifest& manifest) {
  if (!object.contains("revoked")) return {};
  const json::string* text = FindText(object, "revoked");
  const std::optional<Bytes> octets = text == nullptr ? std::nullopt : Base64UrlDecode(*text);
  const std::size_t len = Digest().size();
  if (!octets || octets->size() % len != 0) {
    return Malformed("the list of revoked certificates is none");
  }
  Reader reader(*octets);
  while (!reader.AtEnd()) manifest.revoked.push_back(reader.ReadArray<Digest().size()>());
  if (!std::ranges::is_sorted(manifest.revoked)) {
    return Malformed("the list of revoked certificates is not sorted");
  }
  return {};
}

Status ReadAutomaticBackup(const json::object& object, BackupManifest& manifest) {
  if (!object.contains("automatic_backup")) return {};
  const json::string* text = FindText(object, "automatic_backup");
  const auto octets = text == nullptr ? std::nullopt : Base64UrlDecode(*text);
  if (!octets || octets->size() != Digest().size()) return Malformed("a digest is none");
  std::ranges::copy(*octets, manifest.automatic_backup.emplace().begin());
  return {};
}

Status CheckNames(const json::object& object) {
  static constexpr std::array<std::string_view, 8> kNames = {
      "version",    "servers", "generations", "admitted",
      "written_at", "history", "revoked",     "automatic_backup"};
  for (const auto& entry : object) {
    if (std::ranges::find(kNames, std::string_view(entry.key())) == kNames.end()) {
      return Malformed("an unknown member");
    }
  }
  return {};
}

Result<BackupManifest> ReadObject(const json::object& object) {
  const std::optional<std::int64_t> version = FindInteger(object, "version");
  if (!version) return Malformed("no version");
  if (*version > kVersion) {
    return Fail(Code::kRefused, "a newer Countersign wrote the backup: install that one");
  }
  COUNTERSIGN_RETURN_IF_ERROR(CheckNames(object));
  BackupManifest manifest;
  COUNTERSIGN_RETURN_IF_ERROR(ReadServers(object, manifest));
  COUNTERSIGN_RETURN_IF_ERROR(ReadGenerations(object, manifest));
  COUNTERSIGN_RETURN_IF_ERROR(ReadAdmitted(object, manifest));
  COUNTERSIGN_RETURN_IF_ERROR(ReadTimeAndHistory(object, manifest));
  COUNTERSIGN_RETURN_IF_ERROR(ReadRevoked(object, manifest));
  COUNTERSIGN_RETURN_IF_ERROR(ReadAutomaticBackup(object, manifest));
  return manifest;
}

Result<json::value> ParseJson(std::string_view text) {
  json::parse_options options;
  options.max_depth = 3;
  json::error_code error;
  try {
    json::value value =
        json::parse(json::string_view(text.data(), text.size()), error, {}, options);
    if (error) return Malformed("no JSON");
    return value;
  } catch (const std::exception&) {  // out of memory, or a limit of the library
    return Fail(Code::kExhausted, "the manifest of the backup is too big to read");
  }
}

}  // namespace

std::string FormatManifest(const BackupManifest& manifest) {
  json::array servers;
  for (const ServerId& id : manifest.server_ids) servers.emplace_back(id.Text());
  json::object generations;
  for (const auto& [id, generation] : manifest.generations) generations[id.Text()] = generation;
  Writer admitted;
  for (const AgentId& id : manifest.admitted) admitted.Raw(id.bytes());
  json::object object;
  object["version"] = kVersion;
  object["servers"] = std::move(servers);
  object["generations"] = std::move(generations);
  object["admitted"] = Base64UrlEncode(admitted.bytes());
  object["written_at"] = ToUnix(manifest.written_at);
  object["history"] = Base64UrlEncode(manifest.history);
  if (!manifest.revoked.empty()) {
    Writer revoked;
    for (const Digest& thumbprint : manifest.revoked) revoked.Raw(thumbprint);
    object["revoked"] = Base64UrlEncode(revoked.bytes());
  }
  if (manifest.automatic_backup) {
    object["automatic_backup"] = Base64UrlEncode(*manifest.automatic_backup);
  }
  return json::serialize(object);
}

// Boost.JSON lets the last of duplicate members win; writing the manifest anew shows them, as it
// shows white space, other spellings of numbers and whatever else may hide.
Result<BackupManifest> ParseManifest(std::string_view text) {
  const Result<json::value> value = ParseJson(text);
  if (!value) return std::unexpected(value.error());
  const json::object* object = value->if_object();
  if (object == nullptr) return Malformed("no JSON object");
  Result<BackupManifest> manifest = ReadObject(*object);
  if (manifest && FormatManifest(*manifest) != text) return Malformed("not in its one form");
  return manifest;
}

}  // namespace countersign::keys
