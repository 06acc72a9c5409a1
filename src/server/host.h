#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "base/files.h"
#include "base/log.h"
#include "base/secret.h"
#include "crypto/hash.h"
#include "crypto/pkcs12.h"
#include "keys/key_ring.h"
#include "server/admin.h"
#include "server/issuing.h"
#include "server/server.h"
#include "server/web_host.h"
#include "store/registry.h"
#include "store/server_files.h"

namespace countersign::server {

// Host is a server's folder, opened by one process: lock, configuration, registry, key ring, and
// the server's logic over them. Mends at opening what a power cut left half-done. `log` must
// outlive it. One thread.
class Host {
 public:
  // Open: kNotFound (no server folder; says if it is an agent's), kUnavailable (another process has
  // it), kPermissionDenied (with the command that mends the permissions), kMalformed
  // (configuration). `backup_iterations` as in World.
  [[nodiscard]] static Result<std::unique_ptr<Host>> Open(
      const std::filesystem::path& path, Log& log, Instant now,
      int backup_iterations = crypto::kPkcs12Iterations);

  [[nodiscard]] Server& server() { return server_.value(); }
  [[nodiscard]] Admin& admin() { return admin_.value(); }
  [[nodiscard]] const store::ServerFolder& folder() const { return folder_; }
  // RenewWebHost renews the web host's own certificate when it is due. Call it now and then.
  void RenewWebHost(Log& log, Instant now);
  // web_host: nullptr if its key cannot be had, which the log has said.
  [[nodiscard]] const WebHost* web_host() const { return web_host_ ? &*web_host_ : nullptr; }
  // ReloadConfig reads countersign.toml anew; on failure the old one stays. An event either way.
  [[nodiscard]] Status ReloadConfig(Instant now);

 private:
  void OpenWebHost(Log& log, Instant now);
  [[nodiscard]] Status TakeConfig();
  Host(std::filesystem::path path, FileLock lock)
      : lock_(std::move(lock)), folder_(std::move(path)) {}

  FileLock lock_;
  store::ServerFolder folder_;
  crypto::SystemRandom random_;
  std::unique_ptr<store::Registry> registry_;
  std::unique_ptr<keys::KeyRing> ring_;
  std::optional<Server> server_;
  std::optional<Admin> admin_;
  std::optional<WebHost> web_host_;
};

// InitRequest says what `countersign server init` makes.
struct InitRequest {
  std::filesystem::path path;
  store::ServerConfig config;
  const SecretBytes* backup_password = nullptr;  // nullptr: that of the imported file
  const Bytes* import_file = nullptr;            // nullptr: a new identity
  const SecretBytes* import_password = nullptr;
  std::string import_key = {};  // which of several keys in the file (ImportOptions)
  // Another server's automatic backup, whose owner certifies this server too; nullptr: an owner of
  // its own. Not together with an import.
  const Bytes* owner_file = nullptr;
  const SecretBytes* owner_password = nullptr;
  int backup_iterations = crypto::kPkcs12Iterations;  // as in World
  std::optional<store::Actor> by = {};                // as in World
};

// InitServerFolder makes a server's folder, wholly or not at all: it is built beside its place and
// renamed. kAlreadyExists if there is something in its place already. Returns what was issued or
// imported.
[[nodiscard]] Result<Issued> InitServerFolder(const InitRequest& request, Log& log, Instant now);

// CheckServerFolder tells whether `path` is a server's folder: kNotFound otherwise, by name if it
// is an agent's. kPermissionDenied: this is neither root nor its owner.
[[nodiscard]] Status CheckServerFolder(const std::filesystem::path& path);

}  // namespace countersign::server
