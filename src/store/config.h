#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/time.h"
#include "wire/registration.h"

// The three TOML files: countersign.toml (server), agent.toml (agent), package.toml (installation
// package). Every key is documented with unit and default in docs/configuration.md; unknown keys,
// wrong types and values out of range are refused with file, line and key (kMalformed). Pure: text
// in, value out; Format* writes a commented file that Parse* reads back to the same value.
namespace countersign::store {

inline constexpr std::size_t kMaxConfigLen = 64 * 1024;
inline constexpr std::size_t kMaxWebKeys = 4;

// LongPoll says which agents are asked to have their reports answered late.
enum class LongPoll : std::uint8_t { kOff, kUnreachable, kAll };

struct ServerConfig {
  std::string listen = "0.0.0.0";  // address
  bool http = true;                // at least one of the two
  std::uint16_t http_port = 8080;
  bool https = true;
  std::uint16_t https_port = 4343;
  std::string public_host;  // name or address that agents use; empty: the host's name
  std::string common_name = "OfficeScan Server NTSG";
  std::uint32_t certificate_days = 1'095;
  bool export_allowed = false;  // export = "allowed" | "forbidden"
  // The issuing server's name, on a server that shares its identity and issues nothing itself.
  std::string follower_of;
  std::vector<std::string> call_networks;  // CIDRs beyond the address that a report came from
  Seconds report_interval = std::chrono::minutes(15);  // 60 s .. 86,400 s
  // Agents that cannot be called (docs/reachability.md).
  std::vector<std::string> unreachable_networks;           // CIDRs in which no agent is called
  Seconds unreachable_interval = std::chrono::minutes(5);  // 60 s .. 86,400 s
  std::uint32_t offline_after = 2;                         // reports missed, 2 .. 100
  LongPoll long_poll = LongPoll::kUnreachable;
  Seconds long_poll_seconds = Seconds(240);  // 10 .. 240
  std::uint32_t max_waiting = 10'000;        // reports whose answer is held back
  std::uint32_t max_waiting_per_source = 2'000;
  std::uint32_t max_unadmitted = 1'000;
  std::uint32_t max_unadmitted_per_minute = 10;  // from one source
  bool operator==(const ServerConfig&) const = default;
};
[[nodiscard]] Result<ServerConfig> ParseServerConfig(std::string_view text);
[[nodiscard]] std::string FormatServerConfig(const ServerConfig& config);

struct AgentConfig {
  std::string server_host;
  std::uint16_t http_port = 8080;
  std::uint16_t https_port = 4343;
  // tls: the listener speaks TLS, and the server is reached at https_port; false: neither. There is
  // no way back from one to the other by itself.
  bool tls = true;
  std::vector<Digest> web_keys;    // of the web host, as the package has them; at most 4
  std::string listen = "0.0.0.0";  // address; also the source address of its own calls unless any
  std::uint16_t listen_port = 0;   // five digits; chosen at installation
  std::string domain;
  std::optional<wire::EnrolToken> enrol;
  bool operator==(const AgentConfig&) const = default;
};
[[nodiscard]] Result<AgentConfig> ParseAgentConfig(std::string_view text);
[[nodiscard]] std::string FormatAgentConfig(const AgentConfig& config);

// PackageConfig is package.toml beside OfcNTCer.dat in an installation package.
struct PackageConfig {
  std::string server_host;
  std::uint16_t http_port = 8080;
  std::uint16_t https_port = 4343;
  bool tls = true;
  std::vector<Digest> web_keys;
  std::string domain;
  std::string unload_verifier = {};  // of the unload password (crypto/argon2.h); empty: none is set
  std::optional<wire::EnrolToken> enrol;
  bool operator==(const PackageConfig&) const = default;
};
[[nodiscard]] Result<PackageConfig> ParsePackageConfig(std::string_view text);
[[nodiscard]] std::string FormatPackageConfig(const PackageConfig& config);

}  // namespace countersign::store
