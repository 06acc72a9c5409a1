#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "base/time.h"
#include "crypto/certificate.h"
#include "keys/key_ring.h"
#include "server/identity_book.h"
#include "server/world.h"

// What changes the server's own identity (protocol sections 2 and 9). Each function is one step
// that happens wholly or not at all: new keys into the ring, the new automatic backup staged, one
// registry transaction (the commit point; it holds the digest of the backup), then what follows
// from it. FinishIdentityChange does what follows, and is also the recovery at every start. Slow
// where a password is used (PBKDF2, about a second).
namespace countersign::server {

// The automatic backup, within the server's folder.
inline constexpr std::string_view kBackupPath = "AuthCertBackup/OfficeScanAuth.dat";

enum class ClockIsRight { kNo, kYes };  // --clock-is-right

// ReplaceOptions of `-c`. `compromised`: the present key may be in other hands: its certificate and
// the reserve's are revoked instead of replaced, and agents that have not heard of it are exposed
// until they have (protocol section 9).
// `new_owner` is `owner create`: an owner key made now takes the place of the present one, which
// signs the succession to it and is gone from the automatic backup.
struct ReplaceOptions {
  ClockIsRight clock = ClockIsRight::kNo;
  bool compromised = false;
  bool new_owner = false;
  // With new_owner: seals the new automatic backup; nullptr: the present password stays.
  const SecretBytes* new_password = nullptr;
};

struct Issued {
  crypto::Certificate certificate;  // the new active one
  std::optional<crypto::Certificate> replaced;
  bool owner_made = false;  // an owner key was made for an imported identity
  bool merged = false;      // the imported identity's agents follow to this one
  bool owner_key = true;    // the owner key is in the automatic backup, or the certificate's own
  std::vector<std::string> notes = {};  // what the administrator should know, one sentence each
  // The change is made, but something that follows from it failed (a full disk, say): tell it.
  // FinishIdentityChange catches up at the next start.
  std::optional<Error> unfinished;
};

// CreateIdentity makes a new identity in an empty registry: owner key, active certificate, reserve.
// kRefused if the password is too short (keys::CheckBackupPassword), or there is an identity
// already, or an automatic backup, which it would overwrite.
[[nodiscard]] Result<Issued> CreateIdentity(World& world, const store::ServerConfig& config,
                                            const SecretBytes& backup_password, Instant now);

// CreateIdentityUnder makes one under an owner that another server has already: `file` is that
// server's automatic backup. The new server has a server id and certificates of its own, and its
// agents follow the same owner (protocol section 9). Fails as CreateIdentity and, about the file,
// as ImportIdentity.
struct OwnerFile {
  ByteView file;
  const SecretBytes& password;
};
[[nodiscard]] Result<Issued> CreateIdentityUnder(World& world, const store::ServerConfig& config,
                                                 const OwnerFile& owner,
                                                 const SecretBytes& backup_password, Instant now);

// ReplaceCertificate is the plain `-c`: a new active certificate and a new reserve, at once for
// everybody; the keys of the old ones are destroyed. On an imported identity it first makes a real
// owner key, and the imported key signs the succession to it. Works from what registry and
// automatic backup know together, so it also mends an empty or restored registry and lost keys.
// kWrongPassword: says that the password of the automatic backup is meant; nothing changed.
// kNotFound: no automatic backup, and what to do. kRefused: the clock, the backup's owner, or a
// follower (`follower_of` in the configuration), which issues nothing.
// With new_owner: kExhausted if agents of the earliest owner could not follow any more, since a
// bundle has room for so many successions only (trust::kMaxBundle).
[[nodiscard]] Result<Issued> ReplaceCertificate(World& world, const store::ServerConfig& config,
                                                const SecretBytes& backup_password,
                                                const ReplaceOptions& options, Instant now);

// ImportIdentity takes over an identity from a file: a key and its self-signed certificate from
// PKCS#12, another Countersign server's whole automatic backup, or an archive (MakeArchive). While
// admitted agents hold the present identity, and would not follow the imported one, it is refused
// (kRefused, says how many), unless `present_password` brings both fleets together: the present
// owner issues a certificate that names both server ids, and the imported owner signs a succession
// to it (protocol section 2). Or unless `cut_off`.
// The server's own identity is refused while a rollout is under way, and where the file is an older
// copy; so is what would bring back a certificate that was aborted or revoked here.
struct ImportOptions {
  keys::Exportable exportable = keys::Exportable::kYes;
  bool cut_off = false;  // --replace
  bool restore = false;  // -r: the event says so
  // For the new automatic backup; nullptr: that of the file.
  const SecretBytes* backup_password = nullptr;
  const SecretBytes* present_password = nullptr;  // of the present automatic backup
  // Which key of a file that holds several: hex of its certificate's SHA-256 or SHA-1 thumbprint or
  // of the key's digest, from the front, at least 8 digits; empty: the file holds one.
  std::string key = {};
};
[[nodiscard]] Result<Issued> ImportIdentity(World& world, const store::ServerConfig& config,
                                            ByteView file, const SecretBytes& file_password,
                                            const ImportOptions& options, Instant now);

// MakeArchive is `-b`: certificates, and the keys that may leave the ring, as an archive
// (keys/archive.h) under `password`, with a copy of the automatic backup. With `backup_password`
// the owner key is in it too. What is not there, or not usable, does not keep it from being made:
// `missing` names it. kRefused: the configuration forbids export (says which file to copy); a
// password that is too short; kNotFound: no certificate at all.
struct Archive {
  Bytes file;
  std::size_t num_certificates = 0;
  std::size_t num_keys = 0;  // the owner key apart
  bool owner_key = false;
  std::vector<std::string> missing;
};
[[nodiscard]] Result<Archive> MakeArchive(World& world, const store::ServerConfig& config,
                                          const SecretBytes& password,
                                          const SecretBytes* backup_password, Instant now);

// PromoteReserve makes the reserve the active certificate, by itself, without a password. kNotFound
// if there is none.
[[nodiscard]] Result<Issued> PromoteReserve(World& world, Instant now);

// ChangeBackupPassword seals the automatic backup anew: with the keys in use and no others, and
// with a reserve if there was none (on a follower there is none but its issuer's). An error may say
// that the new password is valid already.
[[nodiscard]] Status ChangeBackupPassword(World& world, const store::ServerConfig& config,
                                          const SecretBytes& old_password,
                                          const SecretBytes& new_password, Instant now);

// FinishIdentityChange brings everything else in line with the registry: the staged backup, the
// certificate stores, OfcNTCer.dat, and keys that no certificate in use needs (destroyed; those of
// certificates unknown to the registry only if the automatic backup is the one that it expects,
// lest a restored registry destroy newer keys). Idempotent. Says in the log what it had to mend.
// Missing keys or files are logged, never an error: the server starts. What could not be written
// is.
[[nodiscard]] Status FinishIdentityChange(World& world);

// MissingOutputs names what FinishIdentityChange would make again for the active certificate, if it
// is not there now or is another: OfcNTCer.dat, and the certificate in its store.
[[nodiscard]] std::vector<std::string> MissingOutputs(World& world, const IdentityBook& book);

}  // namespace countersign::server
