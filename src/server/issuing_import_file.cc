#include <algorithm>

#include "base/encoding.h"
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

// The one key of an administrator's file, or the one that is asked for.
Result<crypto::PrivateKey> OnlyKey(const keys::BackupContents& contents, std::string_view wanted) {
  for (const auto& key : contents.server_keys) {
    if (wanted.size() >= 8 && HexLower(key.public_key().digest()).starts_with(wanted)) return key;
  }
  if (contents.server_keys.size() == 1) return contents.server_keys.front();
  if (contents.server_keys.empty()) {
    return Fail(Code::kMalformed, "the file holds no private key; its certificates: " +
                                      DescribeCertificates(contents));
  }
  std::string names;
  for (const auto& key : contents.server_keys) {
    names += (names.empty() ? "" : ", ") + Describe(key.public_key());
  }
  return Fail(Code::kRefused, "the file holds " + std::to_string(contents.server_keys.size()) +
                                  " private keys (" + names +
                                  "), and one is expected: export the one to use by itself");
}

// The self-signed certificate of the key; the newest, if there are several.
Result<crypto::Certificate> OwnCertificate(const keys::BackupContents& contents,
                                           const crypto::PublicKey& key) {
  const crypto::Certificate* found = nullptr;
  const crypto::Certificate* issued_by_another = nullptr;
  for (const auto& certificate : contents.certificates) {
    if (certificate.key() != key) continue;
    if (!certificate.IsSignedBy(key)) {
      issued_by_another = &certificate;
    } else if (found == nullptr || certificate.not_before() > found->not_before()) {
      found = &certificate;
    }
  }
  if (found != nullptr) return *found;
  if (issued_by_another != nullptr) {
    return Fail(Code::kRefused,
                "the certificate " + issued_by_another->serial() + " (" +
                    issued_by_another->subject() + ") in the file was issued by " +
                    issued_by_another->issuer() +
                    ", and a self-signed one is expected: agents would not accept it");
  }
  return Fail(Code::kRefused, "no certificate in the file belongs to its " + Describe(key) +
                                  "; found: " + DescribeCertificates(contents));
}

Result<Incoming> ReadForeign(const keys::BackupContents& contents, std::string_view wanted,
                             Instant now) {
  auto key = OnlyKey(contents, wanted);
  if (!key) return std::unexpected(std::move(key).error());
  const auto certificate = OwnCertificate(contents, key->public_key());
  if (!certificate) return std::unexpected(certificate.error());
  Incoming incoming{
      .rows = {MakeRow(*certificate, CertificateRole::kServer, CertificateState::kActive, now)},
      .book = {},
      .parts = {}};
  incoming.parts.server_keys.push_back(*std::move(key));
  COUNTERSIGN_RETURN_IF_ERROR(Finalize(incoming));
  return incoming;
}

// The server certificates whose keys are there: the lowest generation is the active one, the next
// the reserve; an expired one gives way to the next.
std::vector<const IdentityBook::Entry*> Usable(const IdentityBook& book,
                                               const keys::BackupContents& contents, Instant now) {
  std::vector<const IdentityBook::Entry*> usable;
  for (const auto& entry : book.entries()) {
    if (entry.row.role != CertificateRole::kServer) continue;
    const Digest owner = contents.owner_key ? contents.owner_key->public_key().digest()
                                            : entry.certificate.key().digest();
    if (entry.identity.owner == owner &&
        KeyOf(contents.server_keys, entry.certificate) != nullptr) {
      usable.push_back(&entry);
    }
  }
  std::sort(usable.begin(), usable.end(), [](const auto* a, const auto* b) {
    return a->identity.generation < b->identity.generation;
  });
  while (usable.size() > 1 && usable.front()->certificate.not_after() < now) {
    usable.erase(usable.begin());
  }
  if (usable.size() > 2) usable.resize(2);
  return usable;
}

Result<Incoming> ReadWhole(const keys::BackupContents& contents, Instant now) {
  Incoming incoming{.rows = RowsOf(contents, now), .book = {}, .parts = {}};
  COUNTERSIGN_RETURN_IF_ERROR(Finalize(incoming));
  incoming.parts = {.owner_key = contents.owner_key,
                    .server_keys = {},
                    .generations = contents.manifest->generations,
                    .admitted = contents.manifest->admitted};
  if (contents.owner_key) incoming.newest_issue = contents.manifest->written_at;
  const auto usable = Usable(incoming.book, contents, now);
  if (usable.empty()) {
    return Fail(Code::kMalformed,
                "the automatic backup in the file holds no server certificate with its key; its "
                "certificates: " +
                    DescribeCertificates(contents));
  }
  for (std::size_t i = 0; i < usable.size(); ++i) {
    const crypto::Certificate& certificate = usable[i]->certificate;
    PutRow(incoming.rows,
           MakeRow(certificate, CertificateRole::kServer,
                   i == 0 ? CertificateState::kActive : CertificateState::kReserve, now));
    incoming.parts.server_keys.push_back(*KeyOf(contents.server_keys, certificate));
  }
  COUNTERSIGN_RETURN_IF_ERROR(Finalize(incoming));
  return incoming;
}

}  // namespace

Status Finalize(Incoming& incoming) {
  auto book = IdentityBook::Make(incoming.rows);
  if (!book) return std::unexpected(std::move(book).error());
  incoming.book = *std::move(book);
  return {};
}

Result<Incoming> ReadIncoming(ByteView file, const SecretBytes& password, std::string_view key,
                              Instant now) {
  const auto contents = keys::OpenBackup(file, password);
  if (!contents && contents.error().code == Code::kWrongPassword) {
    return Fail(Code::kWrongPassword,
                "the password does not open the file to import. The password of that file is "
                "meant. Nothing was changed");
  }
  if (!contents) {
    return WithContext("cannot read the file to import; nothing was changed", contents.error());
  }
  auto incoming = contents->manifest ? ReadWhole(*contents, now) : ReadForeign(*contents, key, now);
  if (incoming) return incoming;
  return WithContext("cannot import; nothing was changed", std::move(incoming).error());
}

}  // namespace countersign::server
