#include <algorithm>

#include "base/encoding.h"
#include "keys/foreign_identity.h"
#include "keys/zip.h"
#include "server/issuing_internal.h"

namespace countersign::server {
namespace {

using store::CertificateRole;
using store::CertificateState;

std::string Describe(const crypto::PublicKey& key) {
  return key.Description() + " key " + HexLower(key.digest());
}

std::string DescribeCertificates(const keys::BackupContents& contents) {
  std::string text;
  for (const auto& certificate : contents.certificates) {
    text += (text.empty() ? "" : ", ") + certificate.serial() + " (" + certificate.subject() +
            ", for the " + Describe(certificate.key()) + ")";
  }
  return text.empty() ? "none" : text;
}

Result<Incoming> ReadForeign(const keys::BackupContents& contents, std::string_view wanted,
                             Instant now) {
  const auto chosen = keys::ChooseIdentity(contents, wanted);
  if (!chosen) return std::unexpected(chosen.error());
  Incoming incoming{.rows = {MakeRow(chosen->certificate, CertificateRole::kServer,
                                     CertificateState::kActive, now)},
                    .book = {},
                    .parts = {}};
  incoming.parts.server_keys.push_back(chosen->key);
  COUNTERSIGN_RETURN_IF_ERROR(Finalize(incoming));
  return incoming;
}

constexpr std::string_view kNoServerKey =
    "the private key of the certificate is not in the file, since it was certified offline: agents "
    "are commanded again after CertificateManager -c PASSWORD";

// DropWithdrawn leaves those out that the server does not want back, while others are left.
void DropWithdrawn(std::vector<const IdentityBook::Entry*>& usable, const IdentityBook* known) {
  if (known == nullptr) return;
  const auto is_withdrawn = [&](const auto* entry) {
    return IsWithdrawn(*known, entry->certificate);
  };
  if (!std::ranges::all_of(usable, is_withdrawn)) std::erase_if(usable, is_withdrawn);
}

// The newest certificate of an owner, where none has its key in the file.
std::vector<const IdentityBook::Entry*> Newest(const IdentityBook& book, const Digest& owner) {
  const IdentityBook::Entry* newest = nullptr;
  for (const auto& entry : book.entries()) {
    if (entry.row.role != CertificateRole::kServer || entry.identity.owner != owner) continue;
    if (newest == nullptr || newest->identity.generation < entry.identity.generation) {
      newest = &entry;
    }
  }
  if (newest == nullptr) return {};
  return {newest};
}

// The server certificates whose keys are there: the lowest generation is the active one, the next
// the reserve; an expired one gives way to the next.
std::vector<const IdentityBook::Entry*> Usable(const IdentityBook& book,
                                               const keys::BackupContents& contents, Instant now,
                                               const IdentityBook* known) {
  std::vector<const IdentityBook::Entry*> usable;
  for (const auto& entry : book.entries()) {
    if (entry.row.role != CertificateRole::kServer) continue;
    const bool of_owner =
        !contents.owner_key || entry.identity.owner == contents.owner_key->public_key().digest();
    if (of_owner && KeyOf(contents.server_keys, entry.certificate) != nullptr) {
      usable.push_back(&entry);
    }
  }
  DropWithdrawn(usable, known);
  std::sort(usable.begin(), usable.end(), [](const auto* a, const auto* b) {
    return a->identity.generation < b->identity.generation;
  });
  // After a rollback two certificates are for one key; the older one is replaced.
  for (std::size_t i = 0; i < usable.size();) {
    const bool again = std::any_of(
        usable.begin() + static_cast<std::ptrdiff_t>(i) + 1, usable.end(), [&](const auto* later) {
          return later->certificate.key() == usable[i]->certificate.key();
        });
    i = again ? (usable.erase(usable.begin() + static_cast<std::ptrdiff_t>(i)), i) : i + 1;
  }
  while (usable.size() > 1 && usable.front()->certificate.not_after() < now) {
    usable.erase(usable.begin());
  }
  if (usable.size() > 2) usable.resize(2);
  return usable;
}

}  // namespace

Result<Incoming> ReadWhole(const keys::BackupContents& contents, Instant now,
                           const IdentityBook* known) {
  Incoming incoming{.rows = RowsOf(contents, now), .book = {}, .parts = {}};
  COUNTERSIGN_RETURN_IF_ERROR(Finalize(incoming));
  incoming.parts = {.owner_key = contents.owner_key,
                    .server_keys = {},
                    .generations = contents.manifest->generations,
                    .admitted = contents.manifest->admitted,
                    .history = contents.manifest->history};
  incoming.written_at = contents.manifest->written_at;
  if (contents.owner_key) incoming.newest_issue = contents.manifest->written_at;
  auto usable = Usable(incoming.book, contents, now, known);
  if (usable.empty() && contents.owner_key) {
    usable = Newest(incoming.book, contents.owner_key->public_key().digest());
    incoming.notes.emplace_back(kNoServerKey);
  }
  if (usable.empty()) {
    return Fail(Code::kMalformed,
                "the file holds no server certificate with its key; its certificates: " +
                    DescribeCertificates(contents));
  }
  for (std::size_t i = 0; i < usable.size(); ++i) {
    const crypto::Certificate& certificate = usable[i]->certificate;
    PutRow(incoming.rows,
           MakeRow(certificate, CertificateRole::kServer,
                   i == 0 ? CertificateState::kActive : CertificateState::kReserve, now));
    const auto* const key = KeyOf(contents.server_keys, certificate);
    if (key != nullptr) incoming.parts.server_keys.push_back(*key);
  }
  COUNTERSIGN_RETURN_IF_ERROR(Finalize(incoming));
  incoming.owner_key = contents.owner_key || incoming.book.Active()->identity.self_signed;
  return incoming;
}

Status Finalize(Incoming& incoming) {
  auto book = IdentityBook::Make(incoming.rows);
  if (!book) return std::unexpected(std::move(book).error());
  incoming.book = *std::move(book);
  return {};
}

Result<Incoming> ReadIncoming(ByteView file, const SecretBytes& password, std::string_view key,
                              Instant now, const IdentityBook* known) {
  if (keys::IsZip(file)) return ReadArchived(file, password, now, known);
  const auto contents = keys::OpenBackup(file, password);
  if (!contents && contents.error().code == Code::kWrongPassword) {
    return Fail(Code::kWrongPassword,
                "the password does not open the file to import. The password of that file is "
                "meant. Nothing was changed");
  }
  if (!contents) {
    return WithContext("cannot read the file to import; nothing was changed", contents.error());
  }
  if (contents->manifest && !key.empty()) {
    return Fail(Code::kUsage,
                "the file is a whole automatic backup, of which no single key can be imported. "
                "Nothing was changed",
                "the same command without --key");
  }
  auto incoming =
      contents->manifest ? ReadWhole(*contents, now, known) : ReadForeign(*contents, key, now);
  if (incoming) return incoming;
  return WithContext("cannot import; nothing was changed", std::move(incoming).error());
}

}  // namespace countersign::server
