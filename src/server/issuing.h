#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "base/secret.h"
#include "base/time.h"
#include "crypto/certificate.h"
#include "keys/key_ring.h"
#include "server/world.h"

// What changes the server's own identity (protocol sections 2 and 9). Each function is one step
// that happens wholly or not at all: new keys into the ring, the new automatic backup staged, one
// registry transaction (the commit point; it holds the digest of the backup), then what follows
// from it. FinishIdentityChange does what follows, and is also the recovery at every start. Slow
// where a password is used (PBKDF2, about a second).
namespace countersign::server {

enum class ClockIsRight { kNo, kYes };  // --clock-is-right

struct Issued {
  crypto::Certificate certificate;  // the new active one
  std::optional<crypto::Certificate> replaced;
  bool owner_made = false;  // an owner key was made for an imported identity
  // The change is made, but something that follows from it failed (a full disk, say): tell it.
  // FinishIdentityChange catches up at the next start.
  std::optional<Error> unfinished;
};

// CreateIdentity makes a new identity in an empty registry: owner key, active certificate, reserve.
// kRefused if the password is too short (keys::CheckBackupPassword), or there is an identity
// already, or an automatic backup, which it would overwrite.
[[nodiscard]] Result<Issued> CreateIdentity(World& world, const store::ServerConfig& config,
                                            const SecretBytes& backup_password, Instant now);

// ReplaceCertificate is the plain `-c`: a new active certificate and a new reserve, at once for
// everybody; the keys of the old ones are destroyed. On an imported identity it first makes a real
// owner key, and the imported key signs the succession to it. Works from what registry and
// automatic backup know together, so it also mends an empty or restored registry and lost keys.
// kWrongPassword: says that the password of the automatic backup is meant; nothing changed.
// kNotFound: no automatic backup, and what to do. kRefused: the clock, or the backup's owner.
[[nodiscard]] Result<Issued> ReplaceCertificate(World& world, const store::ServerConfig& config,
                                                const SecretBytes& backup_password,
                                                ClockIsRight clock, Instant now);

// ImportIdentity takes over a key and its self-signed certificate from a PKCS#12 file, or another
// Countersign server's whole automatic backup (manifest present). `backup_password`: for the new
// automatic backup; nullptr: that of the file. Refused (kRefused) while agents hold the present
// identity (says how many it would cut off), unless `cut_off`.
struct ImportOptions {
  keys::Exportable exportable = keys::Exportable::kYes;
  bool cut_off = false;  // --replace
  // Which key of a file that holds several: hex of its certificate's SHA-256 or SHA-1 thumbprint or
  // of the key's digest, from the front, at least 8 digits; empty: the file holds one.
  std::string key = {};
};
[[nodiscard]] Result<Issued> ImportIdentity(World& world, const store::ServerConfig& config,
                                            ByteView file, const SecretBytes& file_password,
                                            const SecretBytes* backup_password,
                                            const ImportOptions& options, Instant now);

// PromoteReserve makes the reserve the active certificate, by itself, without a password. kNotFound
// if there is none.
[[nodiscard]] Result<Issued> PromoteReserve(World& world, Instant now);

// ChangeBackupPassword seals the automatic backup anew: with the keys in use and no others, and
// with a reserve if there was none. An error may say that the new password is valid already.
[[nodiscard]] Status ChangeBackupPassword(World& world, const SecretBytes& old_password,
                                          const SecretBytes& new_password, Instant now);

// FinishIdentityChange brings everything else in line with the registry: the staged backup, the
// certificate stores, OfcNTCer.dat, and keys that no certificate in use needs (destroyed; those of
// certificates unknown to the registry only if the automatic backup is the one that it expects,
// lest a restored registry destroy newer keys). Idempotent. Says in the log what it had to mend.
// Missing keys or files are logged, never an error: the server starts. What could not be written
// is.
[[nodiscard]] Status FinishIdentityChange(World& world);

}  // namespace countersign::server
