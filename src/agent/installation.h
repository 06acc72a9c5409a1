#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "agent/unload_lock.h"
#include "base/error.h"
#include "base/service_user.h"
#include "crypto/keys.h"
#include "store/agent_files.h"
#include "store/config.h"
#include "trust/identity.h"
#include "wire/registration.h"

namespace countersign::agent {

// Installation is an agent's folder, opened by one process: lock, settings, key, distrust list.
struct Installation {
  std::unique_ptr<store::AgentFolder> folder;
  store::AgentConfig config;
  crypto::PrivateKey key;
  trust::DistrustList distrust;
  wire::AgentProfile profile;
  UnloadLock unload;

  // Open ends a move that was stopped half-way (store/settle_move.h), then reads the rest. It fails
  // as store::AgentFolder::Open does, or with kMalformed for agent.toml.
  [[nodiscard]] static Result<Installation> Open(const std::filesystem::path& path);
};

// ReadAgentConfig reads agent.toml as it is on the disk now.
[[nodiscard]] Result<store::AgentConfig> ReadAgentConfig(const std::filesystem::path& folder);

// ProfileOf is what an agent with these settings says about this machine.
[[nodiscard]] wire::AgentProfile ProfileOf(const store::AgentConfig& config);

// InstallRequest says what `countersign-agentd install` makes from a package.
struct InstallRequest {
  std::filesystem::path package;  // folder with OfcNTCer.dat and package.toml
  std::filesystem::path path;     // the agent's folder
  std::string listen = "0.0.0.0";
  std::uint16_t listen_port = 0;           // 0: drawn, five digits
  std::optional<UserAndGroup> owner = {};  // as whom the agent will run; none: as this process
};

struct Installed {
  AgentId id;
  store::AgentConfig config;
  crypto::Certificate certificate;
};

// Install makes the agent's folder and key, wholly or not at all. First trust is the package's
// certificate. kAlreadyExists if there is something in its place.
[[nodiscard]] Result<Installed> Install(const InstallRequest& request);

// ReadCertificateFile reads OfcNTCer.dat (one DER certificate; a PEM one is refused with a hint).
[[nodiscard]] Result<crypto::Certificate> ReadCertificateFile(const std::filesystem::path& path);

}  // namespace countersign::agent
