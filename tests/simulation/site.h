#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "keys/key_ring.h"
#include "server/admin.h"
#include "server/issuing.h"
#include "server/server.h"
#include "tests/simulation/forger.h"
#include "tests/simulation/power_line.h"
#include "tests/simulation/world.h"
#include "tests/support/memory_registry.h"
#include "tests/support/memory_storage.h"

namespace countersign::simulation {

// Site is a machine with the shipping server::Server on it, of which a whole copy can be taken: a
// backup, or what a thief carries away. Its power can be cut at any write.
class Site {
 public:
  // Copy is all that lies on the disk.
  struct Copy {
    testing::MemoryRegistry::Content registry;
    std::vector<std::pair<crypto::PrivateKey, keys::Exportable>> keys;
    testing::MemoryServerStorage::Content files;
  };
  enum class Origin { kCreated, kImported };

  // A server of its own; every certificate that it comes to hold is told the checker as the
  // owner's.
  Site(Ground ground, std::uint64_t seed, Origin origin);
  // One that runs on a stolen copy, and vouches for nothing.
  Site(Ground ground, std::uint64_t seed, const Copy& stolen);

  [[nodiscard]] Copy Take() const;
  // PutBack restores the whole disk, or the registry alone.
  enum class Part { kAll, kRegistry };
  void PutBack(const Copy& copy, Part part);
  // PutBackupBack puts a copy of the automatic backup in its place.
  void PutBackupBack(const std::optional<Bytes>& backup);

  void Start();
  void Stop();
  [[nodiscard]] bool is_up() const { return server_.has_value(); }
  void SetClock(Seconds error) { clock_error_ = error; }
  [[nodiscard]] Instant Now() const { return ground_.WallClock(clock_error_); }
  // CutPowerAt: before or after the n-th write from now (PowerLine).
  void CutPowerAt(std::int64_t moment) { power_.CutAt(moment); }

  // Nothing: the server is down, or its power was cut meanwhile (it is up again).
  [[nodiscard]] std::optional<server::ReportAnswer> TakeReport(const std::string& message,
                                                               const std::string& source);
  void TakePostedReceipt(const std::string& message);
  // Tick does what the daemon's minute does.
  void Tick();

  // What the owner does. Each tells the story, and returns whether it was done; with a clock that
  // the server refuses to issue by, the owner sets it first.
  struct Replacement {
    bool compromised = false;
    bool offline = false;
    bool new_owner = false;  // `owner create`
  };
  bool Replace(const Replacement& how);
  // TakeOverLaterOwner imports the automatic backup, if it is of another owner than the one that
  // the registry knows: what docs/owner.md says after a restore to before a new owner.
  bool TakeOverLaterOwner();
  bool ImportBeside(ByteView file);  // with the present password: both fleets come together
  bool ChangePassword();
  // Ask is a request of an administrator's program, with the password of the automatic backup.
  // Nothing: the server is down, or its power was cut meanwhile.
  [[nodiscard]] std::optional<server::AdminMessage> Ask(boost::json::object request);

  [[nodiscard]] server::Server& server() { return *server_; }
  [[nodiscard]] const server::IdentityBook& book() const { return server_->book(); }
  [[nodiscard]] testing::MemoryRegistry& registry() { return registry_; }
  [[nodiscard]] const wire::EnrolToken& token() const { return token_; }
  // KeysNow are those in the ring, with their certificates: what a thief takes along.
  [[nodiscard]] std::vector<StolenKey> KeysNow() const;
  // KeysEver are all that were ever in the ring of a server of its own, by thumbprint.
  [[nodiscard]] const std::map<Digest, StolenKey>& keys_ever() const { return keys_ever_; }
  // OwnerKey opens the automatic backup: nobody but a broken world does.
  [[nodiscard]] StolenKey OwnerKey();
  // Packages are the certificates that were active: one is in each installation package.
  [[nodiscard]] const std::vector<crypto::Certificate>& packages() const { return packages_; }
  [[nodiscard]] bool HasKey(const crypto::Certificate& certificate) const;
  // LoseKeysOfAborted breaks the world.
  void LoseKeysOfAborted();
  [[nodiscard]] std::size_t num_replacements() const { return num_replacements_; }

  [[nodiscard]] std::size_t num_promotions() const { return num_promotions_; }  // by itself

  static constexpr std::string_view kFilePassword = "password of the file";
  [[nodiscard]] static Bytes FileOf(const testing::Identity& identity);

 private:
  enum class Kind { kGenuine, kStolen };
  [[nodiscard]] server::World Given();
  // Do runs `what` on the server; false: it is down, or its power was cut.
  template <class What>
  bool Do(What what);
  // Change runs one change of identity, and again with a clock that is right if it was refused.
  template <class What>
  bool Change(std::string_view story, What what);
  [[nodiscard]] Result<server::Issued> ReplaceOffline(const server::ReplaceOptions& options);
  void RememberPassword();
  void Note();
  void FillRing(const Copy& copy);

  Ground ground_;
  Kind kind_;
  TraceLog log_;
  testing::SeededRandom random_;
  PowerLine power_;
  testing::MemoryServerStorage storage_;
  testing::MemoryRegistry registry_;
  CutRegistry cut_registry_{registry_, power_};
  std::unique_ptr<keys::KeyRing> ring_ = keys::MakeMemoryKeyRing();
  std::optional<CutRing> cut_ring_;
  store::ServerConfig config_;
  wire::EnrolToken token_;
  std::string password_ = "correct horse battery";
  Seconds clock_error_{0};
  std::map<Digest, StolenKey> keys_ever_;
  std::vector<crypto::Certificate> packages_;
  std::size_t num_replacements_ = 0;
  std::size_t num_promotions_ = 0;
  std::optional<server::Server> server_;
};

}  // namespace countersign::simulation
