#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "crypto/certificate.h"
#include "server/world.h"

// Whether a backup would bring this server back, before it has to.
namespace countersign::server {

// BackupCheck is what a restore of a file would bring back, compared with what is in use now.
struct BackupCheck {
  bool automatic = false;  // it was the automatic backup in its place
  Digest sha256{};
  std::optional<Instant> written_at;  // by its manifest; absent in a file from elsewhere
  bool owner_key = false;
  std::vector<ServerId> server_ids;
  crypto::Certificate active;  // what would be in use after a restore
  std::optional<crypto::Certificate> reserve;
  std::size_t num_certificates = 0;
  std::size_t num_keys = 0;  // the owner key apart
  std::uint64_t num_admitted = 0;
  // Of the agents that this server has, not counting forgotten ones: those that a server restored
  // from the file would command without anybody touching them.
  std::uint64_t num_agents = 0;
  std::uint64_t num_served = 0;
  std::vector<AgentId> not_served_ids;  // the first 100
  std::vector<std::string> problems;    // empty: a restore brings everything back
  std::vector<std::string> notes;       // what it brings back otherwise than it is now
};

// CheckBackup opens any file that ImportIdentity would take; changes nothing. kWrongPassword and
// kMalformed as there. About a second (PBKDF2).
[[nodiscard]] Result<BackupCheck> CheckBackup(World& world, ByteView file,
                                              const SecretBytes& password, Instant now);
// CheckAutomaticBackup opens the one in its place, and records outcome and time for AgeOfBackup. A
// wrong password is told from a damaged file, and neither changes anything.
[[nodiscard]] Result<BackupCheck> CheckAutomaticBackup(World& world, const SecretBytes& password,
                                                       Instant now);

// BackupAge is what is known of the automatic backup without its password.
struct BackupAge {
  struct Warning {
    std::string kind;  // "backup-missing", "backup-unverified", …
    std::string text;
    std::string next;
  };
  bool present = false;
  std::size_t size = 0;
  Digest sha256{};
  bool as_expected = false;           // the one that this server wrote last
  bool older_than_newest = false;     // than the newest certificate
  std::optional<Instant> written_at;  // by this server
  std::optional<Instant> verified_at;
  bool verified_ok = false;
  std::optional<Instant> drilled_at;
  std::uint64_t admitted_since = 0;  // agents admitted that it does not list
  std::vector<Warning> warnings;
};
[[nodiscard]] Result<BackupAge> AgeOfBackup(World& world, Instant now);

// RecordDrill notes that a restore into a scratch folder was tried, and its problems.
[[nodiscard]] Status RecordDrill(World& world, const std::vector<std::string>& problems,
                                 Instant now);

}  // namespace countersign::server
