#include "store/config.h"

#include <algorithm>
#include <limits>
#include <new>
#include <tuple>
#include <utility>

#include "base/encoding.h"
#include "crypto/argon2.h"
#include "store/toml_reader.h"
#include "store/toml_scan.h"
#include "wire/move_target.h"

namespace countersign::store {
namespace {

constexpr std::size_t kMaxCommonNameLen = 64;  // X.520
constexpr std::size_t kMaxNetworks = 256;
constexpr std::size_t kEnrolSecretLen = 32;
constexpr std::uint32_t kMaxCertificateDays = 36'500;
constexpr std::uint32_t kMaxUnadmitted = 1'000'000;
constexpr std::uint32_t kMaxWaiting = 100'000;

bool IsCommonName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxCommonNameLen && IsPrintableUtf8(text);
}
bool IsTokenId(std::string_view text) {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of(kAllowed) == std::string_view::npos;
}
bool IsVerifier(std::string_view text) {
  return text.empty() || crypto::CheckVerifierForm(text).has_value();
}
bool IsHost(std::string_view text) { return text.size() <= kMaxTextLen && wire::IsMoveHost(text); }
bool IsPublicHost(std::string_view text) { return text.empty() || IsHost(text); }
bool IsExportWord(std::string_view text) { return text == "allowed" || text == "forbidden"; }

constexpr std::string_view kPortRange = "an integer from 1 to 65535";

std::uint16_t Port(TableReader& reader, std::string_view key, std::uint16_t fallback) {
  return reader.Integer<std::uint16_t>(key, fallback, 1, 65'535);
}

// What agent.toml and package.toml have in common.
struct ServerPlace {
  std::string host;
  std::uint16_t http_port = 8080;
  std::uint16_t https_port = 4343;
  bool tls = true;
  std::vector<Digest> web_keys;
};

std::vector<Digest> ReadWebKeys(TableReader& reader, const toml::table& table) {
  constexpr std::string_view kExpected =
      "an array of at most 4 SHA-256 values as base64url without padding (43 characters each)";
  std::vector<Digest> keys;
  for (const std::string& word : reader.Words("web_keys", kMaxWebKeys, kExpected)) {
    if (const auto key = Base64UrlDecodeFixed<sizeof(Digest)>(word)) {
      keys.push_back(*key);
    } else {
      reader.Refuse("web_keys", table.get("web_keys")->source().begin, kExpected);
    }
  }
  return keys;
}

// An agent that is there goes on with what its agent.toml says; into a new one comes no host that
// cannot be one.
enum class HostRule { kAnyWord, kHost };

ServerPlace ReadServerPlace(TableReader& reader, const toml::table& table, HostRule rule) {
  const bool any = rule == HostRule::kAnyWord;
  const std::string_view expected =
      any ? "a host name or an address, as text without spaces"
          : "a host name (with letters beyond ASCII in its xn-- form) or an address";
  reader.Require("server_host", expected);
  ServerPlace place;
  place.host = reader.Text("server_host", "", any ? IsFullWord : IsHost, expected);
  place.http_port = Port(reader, "http_port", place.http_port);
  place.https_port = Port(reader, "https_port", place.https_port);
  place.tls = reader.Bool("tls", place.tls);
  place.web_keys = ReadWebKeys(reader, table);
  return place;
}

Result<std::optional<wire::EnrolToken>> ReadEnrol(TableReader& parent) {
  constexpr std::string_view kToken = "1 to 64 letters, digits, \"-\" and \"_\"";
  constexpr std::string_view kSecret = "32 octets as base64url without padding (43 characters)";
  const toml::table* const table = parent.Table("enrol");
  if (table == nullptr) return std::nullopt;
  TableReader reader(*table, "enrol.");
  reader.Require("token", kToken);
  reader.Require("secret", kSecret);
  wire::EnrolToken token;
  token.id = reader.Text("token", "", IsTokenId, kToken);
  const auto secret =
      Base64UrlDecodeFixed<kEnrolSecretLen>(reader.Text("secret", "", IsLine, kSecret));
  if (secret) token.secret = ToBytes(*secret);
  if (!secret && table->get("secret") != nullptr) {
    reader.Refuse("secret", table->get("secret")->source().begin, kSecret);
  }
  COUNTERSIGN_RETURN_IF_ERROR(reader.Finish());
  return token;
}

std::string ReadDomain(TableReader& reader) {
  return reader.Text("domain", "", IsLine,
                     "text of at most 255 octets, without control characters");
}

std::string ReadListen(TableReader& reader, const std::string& fallback) {
  return reader.Text("listen", fallback, IsFullWord, "an address, such as \"0.0.0.0\" or \"::\"");
}

bool IsLongPollWord(std::string_view text) {
  return text == "off" || text == "unreachable" || text == "all";
}

LongPoll ParseLongPoll(std::string_view text) {
  if (text == "off") return LongPoll::kOff;
  return text == "all" ? LongPoll::kAll : LongPoll::kUnreachable;
}

void ReadReachability(TableReader& reader, ServerConfig& config) {
  const ServerConfig defaults;
  config.unreachable_networks =
      reader.Words("unreachable_networks", kMaxNetworks,
                   "an array of at most 256 networks, such as [\"192.168.0.0/16\"]");
  config.unreachable_interval = Seconds(reader.Integer<std::int64_t>(
      "unreachable_interval", defaults.unreachable_interval.count(), 60, 86'400));
  config.offline_after =
      reader.Integer<std::uint32_t>("offline_after", defaults.offline_after, 2, 100);
  config.long_poll = ParseLongPoll(reader.Text("long_poll", "unreachable", IsLongPollWord,
                                               "\"off\", \"unreachable\" or \"all\""));
  config.long_poll_seconds = Seconds(reader.Integer<std::int64_t>(
      "long_poll_seconds", defaults.long_poll_seconds.count(), 10, 240));
  config.max_waiting =
      reader.Integer<std::uint32_t>("max_waiting", defaults.max_waiting, 0, kMaxWaiting);
  config.max_waiting_per_source = reader.Integer<std::uint32_t>(
      "max_waiting_per_source", defaults.max_waiting_per_source, 0, kMaxWaiting);
}

Result<ServerConfig> ReadServer(const toml::table& table) {
  const ServerConfig defaults;
  TableReader reader(table, "");
  ServerConfig config;
  config.listen = ReadListen(reader, defaults.listen);
  config.http = reader.Bool("http", defaults.http);
  config.http_port = Port(reader, "http_port", defaults.http_port);
  config.https = reader.Bool("https", defaults.https);
  config.https_port = Port(reader, "https_port", defaults.https_port);
  if (!config.http && !config.https) {
    reader.Refuse("https", table.get("https")->source().begin,
                  "true, because \"http\" is false: agents could not reach the server");
  }
  config.public_host = reader.Text("public_host", "", IsPublicHost,
                                   "a host name (with letters beyond ASCII in its xn-- form) or an "
                                   "address, or \"\"");
  config.common_name = reader.Text("common_name", defaults.common_name, IsCommonName,
                                   "text of 1 to 64 octets, without control characters");
  config.certificate_days = reader.Integer<std::uint32_t>(
      "certificate_days", defaults.certificate_days, 1, kMaxCertificateDays);
  config.export_allowed =
      reader.Text("export", "forbidden", IsExportWord, "\"allowed\" or \"forbidden\"") == "allowed";
  config.follower_of = reader.Text("follower_of", "", IsWord, "a host name or an address, or \"\"");
  config.call_networks = reader.Words("call_networks", kMaxNetworks,
                                      "an array of at most 256 networks, such as [\"10.0.0.0/8\"]");
  config.report_interval = Seconds(reader.Integer<std::int64_t>(
      "report_interval", defaults.report_interval.count(), 60, 86'400));
  ReadReachability(reader, config);
  config.max_unadmitted =
      reader.Integer<std::uint32_t>("max_unadmitted", defaults.max_unadmitted, 0, kMaxUnadmitted);
  config.max_unadmitted_per_minute = reader.Integer<std::uint32_t>(
      "max_unadmitted_per_minute", defaults.max_unadmitted_per_minute, 0, kMaxUnadmitted);
  COUNTERSIGN_RETURN_IF_ERROR(reader.Finish());
  return config;
}

Result<AgentConfig> ReadAgent(const toml::table& table) {
  TableReader reader(table, "");
  const ServerPlace place = ReadServerPlace(reader, table, HostRule::kAnyWord);
  AgentConfig config;
  config.server_host = place.host;
  config.http_port = place.http_port;
  config.https_port = place.https_port;
  config.tls = place.tls;
  config.web_keys = place.web_keys;
  config.listen = ReadListen(reader, config.listen);
  reader.Require("listen_port", kPortRange);
  config.listen_port = Port(reader, "listen_port", 0);
  config.domain = ReadDomain(reader);
  auto enrol = ReadEnrol(reader);
  COUNTERSIGN_RETURN_IF_ERROR(reader.Finish());
  if (!enrol) return std::unexpected(std::move(enrol).error());
  config.enrol = *std::move(enrol);
  return config;
}

Result<PackageConfig> ReadPackage(const toml::table& table) {
  TableReader reader(table, "");
  const ServerPlace place = ReadServerPlace(reader, table, HostRule::kHost);
  PackageConfig config;
  config.server_host = place.host;
  config.http_port = place.http_port;
  config.https_port = place.https_port;
  config.tls = place.tls;
  config.web_keys = place.web_keys;
  config.domain = ReadDomain(reader);
  config.unload_verifier = reader.Text(
      "unload_verifier", "", IsVerifier,
      "$argon2id$v=19$m=…,t=…,p=…$salt$hash with at most 256 MiB and 16 passes, or \"\"");
  auto enrol = ReadEnrol(reader);
  COUNTERSIGN_RETURN_IF_ERROR(reader.Finish());
  if (!enrol) return std::unexpected(std::move(enrol).error());
  config.enrol = *std::move(enrol);
  return config;
}

}  // namespace

Result<ServerConfig> ParseServerConfig(std::string_view text) { return ReadToml(text, ReadServer); }
Result<AgentConfig> ParseAgentConfig(std::string_view text) { return ReadToml(text, ReadAgent); }
Result<PackageConfig> ParsePackageConfig(std::string_view text) {
  return ReadToml(text, ReadPackage);
}

}  // namespace countersign::store
