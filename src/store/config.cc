#include "store/config.h"

#include <stdexcept>

// toml++ asserts in many places what only its own look-ahead promises, and assumes it where NDEBUG
// is set: on what is no TOML that ends the process, or worse. Here it is a fault of the file, in
// every build.
namespace {
[[noreturn]] void TomlAssertionFailed() { throw std::logic_error("not TOML"); }
}  // namespace
#undef NDEBUG
#define TOML_ASSERT(expr) ((expr) ? static_cast<void>(0) : TomlAssertionFailed())
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_UNRELEASED_FEATURES 0
#define TOML_ENABLE_WINDOWS_COMPAT 0
#include <toml++/toml.h>

#include <algorithm>
#include <limits>
#include <new>
#include <tuple>
#include <utility>

#include "base/encoding.h"
#include "store/toml_scan.h"

namespace countersign::store {
namespace {

constexpr std::size_t kMaxTextLen = 255;       // names, addresses, domains
constexpr std::size_t kMaxCommonNameLen = 64;  // X.520
constexpr std::size_t kMaxNetworks = 256;
constexpr std::size_t kEnrolSecretLen = 32;
constexpr std::uint32_t kMaxCertificateDays = 36'500;
constexpr std::uint32_t kMaxUnadmitted = 1'000'000;

using TextRule = bool (*)(std::string_view);

bool IsLine(std::string_view text) { return text.size() <= kMaxTextLen && IsPrintableUtf8(text); }
bool IsWord(std::string_view text) {
  return IsLine(text) && text.find(' ') == std::string_view::npos;
}
bool IsFullWord(std::string_view text) { return !text.empty() && IsWord(text); }
bool IsCommonName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxCommonNameLen && IsPrintableUtf8(text);
}
bool IsTokenId(std::string_view text) {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of(kAllowed) == std::string_view::npos;
}
bool IsExportWord(std::string_view text) { return text == "allowed" || text == "forbidden"; }

std::string Place(const toml::source_position& at) {
  if (!at) return {};
  return "line " + std::to_string(at.line) + ", column " + std::to_string(at.column) + ": ";
}

// TableReader takes a table apart key by key. Of several faults it tells the one that stands first
// in the file; a key that nobody asked for is one.
class TableReader {
 public:
  TableReader(const toml::table& table, std::string prefix)
      : table_(table), prefix_(std::move(prefix)) {}

  std::string Text(std::string_view key, std::string fallback, TextRule rule,
                   std::string_view expected) {
    const toml::node* const node = Take(key);
    if (node == nullptr) return fallback;
    const auto* const text = node->as_string();
    if (text != nullptr && rule(text->get())) return text->get();
    Refuse(key, node->source().begin, expected);
    return fallback;
  }

  template <class T>
  T Integer(std::string_view key, T fallback, T min, T max) {
    const toml::node* const node = Take(key);
    if (node == nullptr) return fallback;
    const auto* const value = node->as_integer();
    if (value != nullptr && std::in_range<T>(value->get())) {
      const T number = static_cast<T>(value->get());
      if (number >= min && number <= max) return number;
    }
    Refuse(key, node->source().begin,
           "an integer from " + std::to_string(min) + " to " + std::to_string(max));
    return fallback;
  }

  std::vector<std::string> Words(std::string_view key, std::size_t max, std::string_view expected) {
    const toml::node* const node = Take(key);
    if (node == nullptr) return {};
    std::vector<std::string> words;
    const auto* const array = node->as_array();
    bool good = array != nullptr && array->size() <= max;
    for (std::size_t i = 0; good && i < array->size(); ++i) {
      const auto* const text = array->get(i)->as_string();
      good = text != nullptr && IsFullWord(text->get());
      if (good) words.push_back(text->get());
    }
    if (!good) Refuse(key, node->source().begin, expected);
    return words;
  }

  const toml::table* Table(std::string_view key) {
    const toml::node* const node = Take(key);
    if (node == nullptr) return nullptr;
    if (node->as_table() == nullptr) Refuse(key, node->source().begin, "a table");
    return node->as_table();
  }

  void Require(std::string_view key, std::string_view expected) {
    if (table_.get(key) == nullptr) {
      Fault(table_.source().begin,
            "\"" + prefix_ + std::string(key) + "\" is missing: expected " + std::string(expected));
    }
  }

  void Refuse(std::string_view key, const toml::source_position& at, std::string_view expected) {
    Fault(at, "\"" + prefix_ + std::string(key) + "\": expected " + std::string(expected));
  }

  // Finish refuses what nobody asked for, and returns the first fault.
  [[nodiscard]] Status Finish() {
    for (const auto& [key, node] : table_) {
      const std::string_view name = key.str();
      if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
      Fault(key.source().begin,
            "unknown key \"" + prefix_ + Shown(name) + "\"; known are " + KnownKeys());
    }
    if (!fault_) return {};
    return Fail(Code::kMalformed, fault_->second);
  }

 private:
  const toml::node* Take(std::string_view key) {
    known_.emplace_back(key);
    return table_.get(key);
  }

  void Fault(const toml::source_position& at, const std::string& what) {
    const auto place = std::pair(at.line, at.column);
    if (fault_ && fault_->first <= place) return;
    fault_.emplace(place, Place(at) + what);
  }

  [[nodiscard]] std::string KnownKeys() const {
    std::string names;
    for (const std::string& name : known_) names += (names.empty() ? "" : ", ") + name;
    return names;
  }

  // A key of any length and any octets is not repeated as it is.
  [[nodiscard]] static std::string Shown(std::string_view name) {
    return IsLine(name) ? std::string(name) : std::string("(not printable)");
  }

  const toml::table& table_;
  std::string prefix_;
  std::vector<std::string> known_;
  std::optional<std::pair<std::pair<std::uint32_t, std::uint32_t>, std::string>> fault_;
};

constexpr std::string_view kPortRange = "an integer from 1 to 65535";

std::uint16_t Port(TableReader& reader, std::string_view key, std::uint16_t fallback) {
  return reader.Integer<std::uint16_t>(key, fallback, 1, 65'535);
}

// What agent.toml and package.toml have in common.
struct ServerPlace {
  std::string host;
  std::uint16_t http_port = 8080;
  std::uint16_t https_port = 4343;
};

ServerPlace ReadServerPlace(TableReader& reader) {
  constexpr std::string_view kExpected = "a host name or an address, as text without spaces";
  reader.Require("server_host", kExpected);
  ServerPlace place;
  place.host = reader.Text("server_host", "", IsFullWord, kExpected);
  place.http_port = Port(reader, "http_port", place.http_port);
  place.https_port = Port(reader, "https_port", place.https_port);
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

Result<ServerConfig> ReadServer(const toml::table& table) {
  const ServerConfig defaults;
  TableReader reader(table, "");
  ServerConfig config;
  config.listen = ReadListen(reader, defaults.listen);
  config.http_port = Port(reader, "http_port", defaults.http_port);
  config.https_port = Port(reader, "https_port", defaults.https_port);
  config.public_host = reader.Text("public_host", "", IsWord, "a host name or an address, or \"\"");
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
  config.max_unadmitted =
      reader.Integer<std::uint32_t>("max_unadmitted", defaults.max_unadmitted, 0, kMaxUnadmitted);
  config.max_unadmitted_per_minute = reader.Integer<std::uint32_t>(
      "max_unadmitted_per_minute", defaults.max_unadmitted_per_minute, 0, kMaxUnadmitted);
  COUNTERSIGN_RETURN_IF_ERROR(reader.Finish());
  return config;
}

Result<AgentConfig> ReadAgent(const toml::table& table) {
  TableReader reader(table, "");
  const ServerPlace place = ReadServerPlace(reader);
  AgentConfig config;
  config.server_host = place.host;
  config.http_port = place.http_port;
  config.https_port = place.https_port;
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
  const ServerPlace place = ReadServerPlace(reader);
  PackageConfig config;
  config.server_host = place.host;
  config.http_port = place.http_port;
  config.https_port = place.https_port;
  config.domain = ReadDomain(reader);
  auto enrol = ReadEnrol(reader);
  COUNTERSIGN_RETURN_IF_ERROR(reader.Finish());
  if (!enrol) return std::unexpected(std::move(enrol).error());
  config.enrol = *std::move(enrol);
  return config;
}

// ReadToml keeps toml++ and its exceptions in here.
template <class T>
Result<T> ReadToml(std::string_view text, Result<T> (*read)(const toml::table&)) {
  if (text.size() > kMaxConfigLen) {
    return Fail(Code::kMalformed, "it has " + std::to_string(text.size()) + " octets, and " +
                                      std::to_string(kMaxConfigLen) + " are the most");
  }
  if (const auto place = FindForbidden(text)) {
    return Fail(Code::kMalformed,
                "line " + std::to_string(place->line) + ", column " +
                    std::to_string(place->column) +
                    ": a character that may stand only in comments and in strings "
                    "of one line (there are no dates and times in this file)");
  }
  try {
    return read(toml::parse(text));
  } catch (const toml::parse_error& fault) {
    const auto& at = fault.source().begin;
    const std::string_view what = fault.description();
    return Fail(Code::kMalformed,
                Place(at) + (IsPrintableUtf8(what) ? std::string(what) : std::string("not TOML")));
  } catch (const std::bad_alloc&) {
    return Fail(Code::kExhausted, "out of memory");
  } catch (const std::exception& fault) {
    return Fail(Code::kMalformed, fault.what());
  }
}

}  // namespace

Result<ServerConfig> ParseServerConfig(std::string_view text) { return ReadToml(text, ReadServer); }
Result<AgentConfig> ParseAgentConfig(std::string_view text) { return ReadToml(text, ReadAgent); }
Result<PackageConfig> ParsePackageConfig(std::string_view text) {
  return ReadToml(text, ReadPackage);
}

}  // namespace countersign::store
