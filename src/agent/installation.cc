#include "agent/installation.h"

#include <utility>

#include "agent/unload_lock.h"
#include "base/files.h"
#include "base/process.h"
#include "crypto/hash.h"
#include "keys/agent_key.h"
#include "store/distrust.h"
#include "store/settle_move.h"
#include "trust/trust_state.h"

namespace countersign::agent {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMakePackage = "countersign agents package -o DIR (on the server) makes one";

// Five digits, chosen at installation, below the ports that systems hand out by themselves.
std::uint16_t DrawPort() {
  const auto random = crypto::SystemRandom().Array<4>();
  Reader reader(random);
  return static_cast<std::uint16_t>(10'000 + reader.ReadU32() % 20'000);
}

Result<store::PackageConfig> ReadPackage(const fs::path& path) {
  const auto text = ReadFile(path, store::kMaxConfigLen);
  if (!text) {
    const bool denied = text.error().code == Code::kPermissionDenied;
    return WithContext("installation package",
                       Error{text.error().code, text.error().message,
                             denied ? "run the same command with sudo in front" : kMakePackage});
  }
  auto package = store::ParsePackageConfig(AsText(*text));
  if (!package) {
    return WithContext(path.string(),
                       Error{package.error().code, package.error().message, kMakePackage});
  }
  return package;
}

Result<AgentId> Build(const fs::path& path, const store::AgentConfig& config,
                      const trust::TrustState& state, const std::string& unload_verifier) {
  COUNTERSIGN_RETURN_IF_ERROR(WriteFileAtomically(
      path / "agent.toml", AsBytes(store::FormatAgentConfig(config)), FileMode::kPrivate));
  const auto key = keys::CreateAgentKey(path / "agent.key");
  if (!key) return std::unexpected(key.error());
  const auto folder = store::AgentFolder::Open(path);
  if (!folder) return std::unexpected(folder.error());
  auto unload = UnloadLock::Open(path);
  if (!unload) return std::unexpected(std::move(unload).error());
  COUNTERSIGN_RETURN_IF_ERROR(unload->Set(unload_verifier));
  COUNTERSIGN_RETURN_IF_ERROR((*folder)->StoreTrust(state));
  return Uuid::FromDigest(key->public_key().digest());
}

}  // namespace

wire::AgentProfile ProfileOf(const store::AgentConfig& config) {
  wire::AgentProfile profile{.host = HostName(),
                             .addresses = {},
                             .port = config.listen_port,
                             .domain = config.domain,
                             .version = COUNTERSIGN_VERSION,
                             .platform = PlatformName(),
                             .enrol = config.enrol,
                             .tls = config.tls};
  if (config.listen != "0.0.0.0" && config.listen != "::") profile.addresses = {config.listen};
  return profile;
}

Result<store::AgentConfig> ReadAgentConfig(const fs::path& folder) {
  const fs::path path = folder / "agent.toml";
  const auto text = ReadFile(path, store::kMaxConfigLen);
  if (!text) return std::unexpected(text.error());
  auto config = store::ParseAgentConfig(AsText(*text));
  if (!config) return WithContext(path.string(), std::move(config).error());
  return config;
}

Result<Installation> Installation::Open(const fs::path& path) {
  auto folder = store::AgentFolder::Open(path);
  if (!folder) return std::unexpected(std::move(folder).error());
  // A move that was stopped half-way is ended first: it decides what agent.toml says.
  const auto settled = store::SettleMove(**folder);
  if (!settled) return std::unexpected(settled.error());
  const auto& rewritten = settled->config;
  auto config = rewritten ? store::ParseAgentConfig(*rewritten) : ReadAgentConfig(path);
  if (!config) return std::unexpected(std::move(config).error());
  auto key = keys::LoadAgentKey(path / "agent.key");
  if (!key) return std::unexpected(std::move(key).error());
  auto distrust = store::LoadDistrust(fs::path(store::kDistrustPath));
  if (!distrust) return std::unexpected(std::move(distrust).error());
  auto unload = UnloadLock::Open(path);
  if (!unload) return std::unexpected(std::move(unload).error());
  wire::AgentProfile profile = ProfileOf(*config);
  return Installation{*std::move(folder),   *std::move(config), *std::move(key),
                      *std::move(distrust), std::move(profile), *std::move(unload)};
}

Result<Installed> Install(const InstallRequest& request) {
  const auto package = ReadPackage(request.package / "package.toml");
  if (!package) return std::unexpected(package.error());
  const auto certificate = ReadCertificateFile(request.package / "OfcNTCer.dat");
  if (!certificate) return std::unexpected(certificate.error());
  const auto state = trust::FirstTrust(*certificate, nullptr);
  if (!state) return std::unexpected(state.error());
  auto folder = NewFolder::Begin(request.path);
  if (!folder) {
    Error error = std::move(folder).error();
    if (error.code == Code::kAlreadyExists) {
      error.next = "mv " + request.path.string() + ' ' + request.path.string() +
                   ".old, then the same once more; or choose another folder with --agent-folder";
    }
    return std::unexpected(std::move(error));
  }
  store::AgentConfig config{
      .server_host = package->server_host,
      .http_port = package->http_port,
      .https_port = package->https_port,
      .tls = package->tls,
      .web_keys = package->web_keys,
      .listen = request.listen,
      .listen_port = request.listen_port != 0 ? request.listen_port : DrawPort(),
      .domain = package->domain,
      .enrol = package->enrol};
  const auto id = Build(folder->path(), config, *state, package->unload_verifier);
  if (!id) return std::unexpected(id.error());
  if (request.owner) COUNTERSIGN_RETURN_IF_ERROR(GiveTree(folder->path(), *request.owner));
  COUNTERSIGN_RETURN_IF_ERROR(folder->PutInPlace());
  return Installed{*id, std::move(config), *certificate};
}

Result<crypto::Certificate> ReadCertificateFile(const fs::path& path) {
  const auto file = ReadFile(path, crypto::Certificate::kMaxLen);
  if (!file) return std::unexpected(file.error());
  if (AsText(*file).starts_with("-----BEGIN")) {
    return Fail(Code::kMalformed, path.string() + " is a PEM file; one DER certificate is expected",
                "openssl x509 -in " + path.string() + " -outform DER -out OfcNTCer.dat");
  }
  auto certificate = crypto::Certificate::Parse(*file);
  if (!certificate) return WithContext(path.string(), std::move(certificate).error());
  return certificate;
}

}  // namespace countersign::agent
