#include "server/host.h"

#include <utility>

#include "server/events.h"
#include "server/issuing.h"

namespace countersign::server {
namespace {

namespace fs = std::filesystem;

Result<store::ServerConfig> ReadConfig(const store::ServerFolder& folder) {
  const auto text = ReadFile(folder.ConfigPath(), store::kMaxConfigLen);
  if (!text) return std::unexpected(text.error());
  auto config = store::ParseServerConfig(AsText(*text));
  if (!config) return WithContext(folder.ConfigPath().string(), std::move(config).error());
  return config;
}

Result<std::unique_ptr<store::Registry>> OpenRegistry(const store::ServerFolder& folder) {
  const std::string path = folder.RegistryPath().string();
  auto registry = store::OpenSqlite(path);
  if (registry || registry.error().code != Code::kDamaged) return registry;
  Error error = std::move(registry).error();
  if (error.next.empty()) {
    error.next =
        "mv '" + path + "' '" + path +
        ".damaged' and CertificateManager -c PASSWORD, which brings back what the automatic "
        "backup knows; agents come back with their reports";
  }
  return std::unexpected(std::move(error));
}

Result<Issued> MakeIdentity(const InitRequest& request, World& world, Instant now) {
  if (request.import_file != nullptr) {
    return ImportIdentity(world, request.config, *request.import_file, *request.import_password,
                          {.backup_password = request.backup_password, .key = request.import_key},
                          now);
  }
  if (request.owner_file != nullptr) {
    return CreateIdentityUnder(world, request.config,
                               {.file = *request.owner_file, .password = *request.owner_password},
                               *request.backup_password, now);
  }
  return CreateIdentity(world, request.config, *request.backup_password, now);
}

Result<Issued> Build(const InitRequest& request, const fs::path& path, Log& log, Instant now) {
  COUNTERSIGN_RETURN_IF_ERROR(store::ServerFolder::Create(path));
  store::ServerFolder folder(path);
  COUNTERSIGN_RETURN_IF_ERROR(WriteFileAtomically(
      folder.ConfigPath(), AsBytes(store::FormatServerConfig(request.config)), FileMode::kPrivate));
  auto registry = store::OpenSqlite(folder.RegistryPath().string());
  if (!registry) return std::unexpected(std::move(registry).error());
  auto ring = keys::OpenFileKeyRing(folder.KeysPath());
  if (!ring) return std::unexpected(std::move(ring).error());
  crypto::SystemRandom random;
  World world{**registry, **ring, folder, random, log, request.backup_iterations, request.by};
  auto issued = MakeIdentity(request, world, now);
  // A new folder is right from the beginning, or not made.
  if (issued && issued->unfinished) return std::unexpected(*issued->unfinished);
  const auto web_host = WebHost::Open(folder, request.config, random, now);
  if (!web_host) return std::unexpected(web_host.error());
  return issued;
}

}  // namespace

Status CheckServerFolder(const fs::path& path) {
  COUNTERSIGN_RETURN_IF_ERROR(CheckAdministers(path));
  std::error_code failed;
  if (fs::exists(path / "countersign.toml", failed)) return {};
  if (fs::exists(path / "agent.toml", failed)) {
    return Fail(Code::kNotFound, path.string() + " is an agent's folder, not a server's",
                "give the server's folder with --data");
  }
  if (fs::exists(path / "registry.db", failed) || fs::exists(path / "AuthCertBackup", failed)) {
    const std::string missing = (path / "countersign.toml").string();
    return Fail(Code::kNotFound,
                "the server's configuration " + missing +
                    " is missing. Put a copy of it back; an empty one stands for every default",
                "touch '" + missing + "'");
  }
  return Fail(Code::kNotFound, "there is no server in " + path.string(),
              "countersign server init --data '" + path.string() + "'");
}

Result<std::unique_ptr<Host>> Host::Open(const fs::path& path, Log& log, Instant now,
                                         int backup_iterations) {
  COUNTERSIGN_RETURN_IF_ERROR(CheckServerFolder(path));
  COUNTERSIGN_RETURN_IF_ERROR(CheckPrivate(path));
  auto lock = FileLock::Acquire(path / "lock");
  if (!lock) return std::unexpected(std::move(lock).error());
  std::unique_ptr<Host> host(new Host(path, *std::move(lock)));
  host->folder_.RemoveAllLeftovers();
  auto config = ReadConfig(host->folder_);
  if (!config) return std::unexpected(std::move(config).error());
  auto registry = OpenRegistry(host->folder_);
  if (!registry) return std::unexpected(std::move(registry).error());
  host->registry_ = *std::move(registry);
  auto ring = keys::OpenFileKeyRing(host->folder_.KeysPath());
  if (!ring) return std::unexpected(std::move(ring).error());
  host->ring_ = *std::move(ring);
  World world{*host->registry_, *host->ring_, host->folder_, host->random_, log, backup_iterations};
  if (const auto finished = FinishIdentityChange(world); !finished) {
    // The identity in the registry stands; what is missing beside it is said, and the server
    // serves.
    log.Write(LogLevel::kError, finished.error().message);
  }
  auto server = Server::Create(world, *std::move(config));
  if (!server) return std::unexpected(std::move(server).error());
  host->server_.emplace(*std::move(server));
  COUNTERSIGN_RETURN_IF_ERROR(host->server_->Reload(now));
  host->admin_.emplace(*host->server_);
  host->OpenWebHost(log, now);
  return host;
}

// Without it agents that speak no TLS are served all the same.
void Host::OpenWebHost(Log& log, Instant now) {
  auto web_host = WebHost::Open(folder_, server_->config(), random_, now);
  if (!web_host) {
    log.Write(LogLevel::kError, web_host.error().message + "; " + web_host.error().next);
    return;
  }
  web_host_.emplace(*std::move(web_host));
  RenewWebHost(log, now);
  admin_->set_web_host(*web_host_);
  if (server_->config().https) server_->set_web_keys(web_host_->keys());
}

void Host::RenewWebHost(Log& log, Instant now) {
  if (!web_host_) return;
  const auto renewed = web_host_->RenewIfDue(server_->config(), random_, now);
  if (!renewed) {
    log.Write(LogLevel::kError, renewed.error().message);
  } else if (*renewed) {
    log.Write(LogLevel::kInfo, "the web host's certificate was renewed, for the same key");
  }
}

Status Host::TakeConfig() {
  auto config = ReadConfig(folder_);
  if (!config) return std::unexpected(std::move(config).error());
  auto networks = net::NetworkSet::Parse(config->call_networks);
  if (!networks) return std::unexpected(std::move(networks).error());
  auto unreachable = net::NetworkSet::Parse(config->unreachable_networks);
  if (!unreachable) return WithContext("unreachable_networks", std::move(unreachable).error());
  server_->set_config(*std::move(config), *std::move(networks), *std::move(unreachable));
  return {};
}

Status Host::ReloadConfig(Instant now) {
  const Status taken = TakeConfig();
  const auto recorded = RecordEvent(
      server_->world(), {.id = 0,
                         .at = now,
                         .kind = taken ? "configuration-read" : "configuration-refused",
                         .agent = {},
                         .text = taken ? "countersign.toml was read anew, as a signal asked"
                                       : std::string(CodeName(taken.error().code))});
  return taken ? recorded : taken;
}

Result<Issued> InitServerFolder(const InitRequest& request, Log& log, Instant now) {
  auto folder = NewFolder::Begin(request.path);
  if (!folder) return std::unexpected(std::move(folder).error());
  auto issued = Build(request, folder->path(), log, now);
  if (!issued) return issued;
  COUNTERSIGN_RETURN_IF_ERROR(folder->PutInPlace());
  return issued;
}

}  // namespace countersign::server
