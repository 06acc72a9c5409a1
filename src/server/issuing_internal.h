#pragma once

// Private to issuing_*.cc: what the changes of identity have in common.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keys/backup.h"
#include "server/identity_book.h"
#include "server/issuing.h"

namespace countersign::server {

using Rows = std::vector<store::CertificateRow>;

inline constexpr std::string_view kMetaBackupDigest = "backup_digest";         // hex SHA-256
inline constexpr std::string_view kMetaBackupWrittenAt = "backup_written_at";  // Unix seconds
inline constexpr std::string_view kMetaBackupAdmitted = "backup_admitted";     // how many it lists
// The outstanding request to the owner (offline.h) without its lists; empty: none.
inline constexpr std::string_view kMetaOwnerRequest = "owner_request";
inline constexpr std::string_view kMetaNewestIssue = "newest_issue";  // Unix seconds
inline constexpr std::string_view kMetaProvedGeneration = "proved_generation";
// Hex digest of the owner under which that generation was issued, where this server does not know
// it; or empty.
inline constexpr std::string_view kMetaLaterOwner = "later_owner";
inline constexpr std::uint64_t kMaxGeneration = (std::uint64_t{1} << 53) - 1;
inline constexpr Seconds kBackdated = std::chrono::hours(24);

// --- certificates (issuing_certificates.cc) ---

struct Owner {
  crypto::PrivateKey key;
  crypto::Certificate certificate;
};

struct ServerPart {
  crypto::PrivateKey key;
  crypto::Certificate certificate;
};

// What a server certificate shall say. The key is made anew.
struct ServerRequest {
  std::string common_name;
  std::vector<ServerId> server_ids;
  std::uint64_t generation = 0;
  Instant not_before;
  Instant not_after;
};

struct Pair {
  ServerPart active;
  ServerPart reserve;
};

// ReadMetaNumber reads a number of the registry; kDamaged if it is none.
[[nodiscard]] Result<std::optional<std::uint64_t>> ReadMetaNumber(World& world,
                                                                  std::string_view name);
// CheckClock refuses to issue while `now` stands before the newest issue.
[[nodiscard]] Status CheckClock(World& world, ClockIsRight clock, Instant now);
using Generations = std::map<ServerId, std::uint64_t>;
// NextGeneration is the rule of protocol section 2 for a certificate that names `server_ids`, by
// what is known to `book`, to `known` (a backup's manifest) and to the agents.
[[nodiscard]] Result<std::uint64_t> NextGeneration(World& world, const IdentityBook& book,
                                                   const Generations& known,
                                                   const std::vector<ServerId>& server_ids,
                                                   Instant now);
[[nodiscard]] Result<Owner> MakeOwner(World& world, const ServerId& server, Instant now);
// CertifyOwner makes the self-signed certificate of an owner key.
[[nodiscard]] Result<crypto::Certificate> CertifyOwner(World& world, const crypto::PrivateKey& key,
                                                       const ServerId& server, Instant now);
[[nodiscard]] Result<crypto::Certificate> IssueSuccession(World& world, const Owner& to,
                                                          const ServerPart& from,
                                                          const std::vector<ServerId>& server_ids,
                                                          Instant now);
[[nodiscard]] Result<ServerPart> IssueServer(World& world, const Owner& owner,
                                             const ServerRequest& request);
// IssuePair issues the active certificate of `generation` and the reserve that follows it.
[[nodiscard]] Result<Pair> IssuePair(World& world, const store::ServerConfig& config,
                                     const Owner& owner, const std::vector<ServerId>& server_ids,
                                     std::uint64_t generation, Instant now);

// IssueReserve issues the one that follows a certificate issued now, valid for twice as long.
[[nodiscard]] Result<ServerPart> IssueReserve(World& world, const store::ServerConfig& config,
                                              const Owner& owner,
                                              const std::vector<ServerId>& server_ids,
                                              std::uint64_t generation, Instant now);
// ValidityOf a new certificate, by the configuration.
[[nodiscard]] Seconds ValidityOf(const store::ServerConfig& config);

// --- rows (issuing_certificates.cc) ---

[[nodiscard]] store::CertificateRow MakeRow(const crypto::Certificate& certificate,
                                            store::CertificateRole role,
                                            store::CertificateState state, Instant since);
// PutRow adds the row, or takes the place of the one with its thumbprint.
void PutRow(Rows& rows, store::CertificateRow row);
// Retire makes every server certificate in use a replaced, or a revoked, one. An aborted one stays
// that, until it is revoked: agents may hold it (protocol section 9).
void Retire(Rows& rows, Instant now,
            store::CertificateState as = store::CertificateState::kReplaced);
// RowsOf are the certificates of an opened backup; server certificates as replaced, or revoked,
// ones. What cannot be a certificate of a server is left out.
[[nodiscard]] Rows RowsOf(const keys::BackupContents& backup, Instant now);

// --- the automatic backup (issuing_backup.cc) ---

// Present is the identity as the registry and the automatic backup together know it.
struct Present {
  keys::BackupContents backup;
  Rows rows;                         // the registry's, and those that only the backup has
  IdentityBook book;                 // of `rows`
  std::vector<ServerId> server_ids;  // at least one; the server's own first
  std::vector<AgentId> admitted;     // by the backup, where the registry knows nothing
  // The backup has newer certificates than the registry, which was restored or is empty.
  bool registry_is_behind = false;
};

// ReadBackupFile and OpenBackupFile are its two halves, about the file in its place alone.
[[nodiscard]] Result<Bytes> ReadBackupFile(World& world);
[[nodiscard]] Result<keys::BackupContents> OpenBackupFile(ByteView file,
                                                          const SecretBytes& password);
// OpenBackupCopy opens what a person gave as a copy: it may be any file, which is kMalformed and no
// damage; one of another program opens, without a manifest.
[[nodiscard]] Result<keys::BackupContents> OpenBackupCopy(ByteView file,
                                                          const SecretBytes& password);
enum class BackupState { kAsExpected, kNotExpected, kMissing, kOther };
// ExplainWrongPassword adds to kWrongPassword whether the file is the one that was written, and
// what goes on without the password.
[[nodiscard]] Error ExplainWrongPassword(World& world, Error error, BackupState state);
inline constexpr std::string_view kForgottenPassword =
    "the same command with the right password; if it is forgotten: docs/procedures.md, \"The "
    "password is forgotten\"";
// OpenPresent opens the automatic backup. kNotFound, kWrongPassword as ReplaceCertificate says
// them; kRefused if it is not that of the registry's identity or of one that follows from it.
[[nodiscard]] Result<Present> OpenPresent(World& world, const SecretBytes& password, Instant now);
// KeyOf finds the key of a certificate; nullptr if it is not among them.
[[nodiscard]] const crypto::PrivateKey* KeyOf(const std::vector<crypto::PrivateKey>& keys,
                                              const crypto::Certificate& certificate);
// KeysToKeep are the keys that belong into the automatic backup, of active, pending and reserve
// certificates by `book`: from those that an opened backup `had`, or from the ring where that is an
// older copy. One that is nowhere is told in the log. Not those of aborted rollouts: a server made
// from the backup must not begin with one.
[[nodiscard]] std::vector<crypto::PrivateKey> KeysToKeep(World& world,
                                                         const std::vector<crypto::PrivateKey>& had,
                                                         const IdentityBook& book);
// OwnerOf finds the certificate of an owner key, or makes it anew.
[[nodiscard]] Result<Owner> OwnerOf(World& world, const crypto::PrivateKey& key,
                                    const IdentityBook& book, const ServerId& server, Instant now);
// OwnerIn is the owner key of an opened backup with its certificate, or the one key of an imported
// identity. kRefused if the backup holds neither.
[[nodiscard]] Result<Owner> OwnerIn(const keys::BackupContents& backup);

// SealedBackup is an automatic backup as it lies on the disk, and how many admitted agents it
// lists.
struct SealedBackup {
  Bytes file;
  std::uint64_t num_admitted = 0;
};

struct BackupParts {
  std::optional<crypto::PrivateKey> owner_key;
  std::vector<crypto::PrivateKey> server_keys;
  Generations generations;        // of an earlier manifest
  std::vector<AgentId> admitted;  // beside those of the registry
  Bytes history = {};             // of an earlier manifest, where the registry has none
};
// MakeManifest tells of `book` and `parts`; CertificatesToKeep are, of replaced certificates, the
// newest, and all that agents may need as the carrier of an owner key; AdmittedAgents are those of
// the registry and `more`, as many as a backup has room for (says in the log if they are more).
[[nodiscard]] keys::BackupManifest MakeManifest(const IdentityBook& book, const BackupParts& parts,
                                                std::vector<AgentId> admitted, Instant now);
[[nodiscard]] std::vector<crypto::Certificate> CertificatesToKeep(const IdentityBook& book);
[[nodiscard]] Result<std::vector<AgentId>> AdmittedAgents(World& world,
                                                          const std::vector<AgentId>& more);
// SealParts seals the automatic backup for `rows`, and opens it again as a proof: what it takes the
// place of may be the only copy of the owner key.
[[nodiscard]] Result<SealedBackup> SealParts(World& world, const BackupParts& parts,
                                             const Rows& rows, const SecretBytes& password,
                                             Instant now);

// --- issuing (issuing_replace.cc, issuing_owner.cc, issuing_merge.cc) ---

// OwnerToUse is the owner that issues, and what certifies it to agents of an earlier one.
struct OwnerToUse {
  Owner owner;
  bool made = false;  // just now, for an imported identity
  std::vector<crypto::Certificate> successions;
};
// ChooseOwner: an imported identity gets a real owner key; any other has one in its backup.
[[nodiscard]] Result<OwnerToUse> ChooseOwner(World& world, const Present& present,
                                             const SecretBytes& password, Instant now);
// NewOwner makes an owner key, and the succession to it from the present one.
[[nodiscard]] Result<OwnerToUse> NewOwner(World& world, const Present& present,
                                          const SecretBytes& password, Instant now);
// CheckFollowers: every agent that follows to the certificate in use follows to that of `after`.
[[nodiscard]] Status CheckFollowers(World& world, const Present& present, const Rows& after);
// NotesOnCopies names what still holds the owner key of `present`, after another took its place.
[[nodiscard]] std::vector<std::string> NotesOnCopies(World& world, const Present& present);
// CheckIssuer refuses on a follower, naming its issuer.
[[nodiscard]] Status CheckIssuer(const store::ServerConfig& config);
// IssueUnder issues and commits a new pair for the server ids of `present`, whose rows end as
// replaced. `event`: its text follows the new serial number.
[[nodiscard]] Result<Issued> IssueUnder(World& world, const store::ServerConfig& config,
                                        const Present& present, const OwnerToUse& use,
                                        const SecretBytes& password, store::EventRow event,
                                        Instant now);

// --- what an import reads (issuing_import_file.cc, issuing_import_archive.cc) ---

// Incoming is the identity in a file: rows with one active certificate and at most one reserve.
struct Incoming {
  Rows rows;
  IdentityBook book;                         // of `rows`
  BackupParts parts;                         // for the new automatic backup
  std::optional<Instant> newest_issue = {};  // by its owner key
  // From an archive whose owner key is only in the automatic backup within: that file as it is.
  std::optional<SealedBackup> sealed_backup = {};
  std::optional<Instant> written_at = {};  // by the manifest
  bool owner_key = true;  // it is in `parts`, in sealed_backup, or the certificate's own
  std::vector<std::string> notes = {};
};
// `key`: as ImportOptions has it. `known`: the certificates of the server that takes it over, where
// there is one: what is aborted or revoked there is passed over.
[[nodiscard]] Result<Incoming> ReadIncoming(ByteView file, const SecretBytes& password,
                                            std::string_view key, Instant now,
                                            const IdentityBook* known = nullptr);
// ReadWhole takes an opened automatic backup, or what an archive holds of one.
[[nodiscard]] Result<Incoming> ReadWhole(const keys::BackupContents& contents, Instant now,
                                         const IdentityBook* known = nullptr);
// ReadArchived opens the ZIP of -b.
[[nodiscard]] Result<Incoming> ReadArchived(ByteView file, const SecretBytes& password, Instant now,
                                            const IdentityBook* known = nullptr);
// IsSame: both are of one owner, and of this server's id.
[[nodiscard]] bool IsSame(const IdentityBook& present, const IdentityBook& incoming);
// CheckMayImport (issuing_import_check.cc), kRefused: an older copy of the present identity; any
// copy of it while a rollout is under way; what would bring back a withdrawn certificate.
[[nodiscard]] Status CheckMayImport(World& world, const IdentityBook& present,
                                    const IdentityBook& incoming);
// IsWithdrawn: this server knows the certificate as an aborted or a revoked one.
[[nodiscard]] bool IsWithdrawn(const IdentityBook& known, const crypto::Certificate& certificate);
// MergeIdentity brings the fleet of `incoming` to the present owner.
[[nodiscard]] Result<Issued> MergeIdentity(World& world, const store::ServerConfig& config,
                                           const Incoming& incoming,
                                           const SecretBytes& present_password, Instant now);
// Finalize reads the book anew after a change of the rows.
[[nodiscard]] Status Finalize(Incoming& incoming);

// --- commit and finish (issuing_commit.cc, issuing_finish.cc) ---

struct NewKey {
  crypto::PrivateKey key;
  keys::Exportable exportable = keys::Exportable::kYes;
};

// Change is all that one change of identity writes.
struct Change {
  std::vector<NewKey> new_keys;
  std::optional<SealedBackup> backup;  // none: it stays as it is
  Rows rows;                           // all of them
  std::optional<Instant> newest_issue;
  std::vector<AgentId> admitted;  // by the backup that is taken over
  store::EventRow event;
  Bytes history = {};  // of the backup, where the registry has none
  // Begun, or ended, by this change. One under way whose certificate this change takes from being
  // pending is aborted anyway.
  std::optional<store::RolloutRow> rollout = {};
  std::vector<std::uint64_t> drop_offers = {};  // of these generations
};
// Commit writes the change in the order that issuing.h names. An error: nothing changed. Otherwise
// the change is made, and the value tells what could not be finished.
[[nodiscard]] Result<std::optional<Error>> Commit(World& world, const Change& change);

enum class Tell { kNo, kYes };  // in the log, what had to be mended
// SettleBackup puts a staged backup in place if the registry expects it, and discards any other.
[[nodiscard]] Result<BackupState> SettleBackup(World& world, Tell tell);
[[nodiscard]] Status Finish(World& world, Tell tell);
// StoredOf is the file of an active or past server certificate in its store.
[[nodiscard]] store::StoredCertificate StoredOf(const IdentityBook::Entry& entry);
// IsInUse: a certificate that signs, or may come to sign, needs this key.
[[nodiscard]] bool IsInUse(const IdentityBook& book, const Digest& key);

// RequestedKeys are those that wait for the owner's answer (offline.h).
[[nodiscard]] Result<std::vector<Digest>> RequestedKeys(World& world);

// ForEachAgent pages through the agents that are not forgotten.
[[nodiscard]] Status ForEachAgent(store::Registry& registry,
                                  const std::function<void(const store::AgentRow&)>& body);

}  // namespace countersign::server
