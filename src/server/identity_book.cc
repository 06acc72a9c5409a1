#include "server/identity_book.h"

#include <algorithm>
#include <string>

#include "base/encoding.h"
#include "trust/rule_a.h"

namespace countersign::server {
namespace {

using store::CertificateRole;
using store::CertificateState;

std::unexpected<Error> Damaged(const store::CertificateRow& row, const std::string& what) {
  return Fail(Code::kDamaged,
              "certificate " + HexLower(row.thumbprint) + " in the registry is damaged: " + what);
}

Result<IdentityBook::Entry> ReadEntry(const store::CertificateRow& row) {
  auto certificate = crypto::Certificate::Parse(row.der);
  if (!certificate) return Damaged(row, certificate.error().message);
  if (certificate->thumbprint() != row.thumbprint) {
    return Damaged(row, "its octets have the thumbprint " + HexLower(certificate->thumbprint()));
  }
  IdentityBook::Entry entry{
      .certificate = *std::move(certificate), .row = row, .identity = trust::Identity{}};
  if (row.role != CertificateRole::kServer) return entry;
  auto identity = trust::IdentityOf(entry.certificate);
  if (!identity) return Damaged(row, identity.error().message);
  entry.identity = *std::move(identity);
  return entry;
}

// Current is the active certificate; while there is none, the newest that there was.
const IdentityBook::Entry* CurrentOf(const IdentityBook& book) {
  if (const auto* const active = book.Active()) return active;
  const IdentityBook::Entry* newest = nullptr;
  for (const auto& entry : book.entries()) {
    if (entry.row.role != CertificateRole::kServer) continue;
    if (newest == nullptr || entry.identity.generation > newest->identity.generation) {
      newest = &entry;
    }
  }
  return newest;
}

bool CarriesOwner(const IdentityBook::Entry& entry, const Digest& owner) {
  const bool of_an_owner = entry.row.role != CertificateRole::kServer || entry.identity.self_signed;
  return of_an_owner && entry.certificate.key().digest() == owner;
}

// FindCarrier prefers a self-signed certificate, which people recognise as that of the owner.
const IdentityBook::Entry* FindCarrier(const IdentityBook& book, const Digest& owner) {
  const IdentityBook::Entry* found = nullptr;
  for (const auto& entry : book.entries()) {
    if (!CarriesOwner(entry, owner)) continue;
    if (entry.row.role != CertificateRole::kSuccession) return &entry;
    found = &entry;
  }
  return found;
}

// PathSearch walks the successions from an owner back to an earlier one, each at most once.
class PathSearch {
 public:
  PathSearch(const IdentityBook& book, const Digest& goal, const ServerId& server)
      : book_(book), goal_(goal), server_(server) {}

  [[nodiscard]] bool From(const Digest& owner) {
    if (owner == goal_) return true;
    if (path_.size() + 2 >= trust::kMaxBundle || !seen_.insert(owner).second) return false;
    for (const auto& entry : book_.entries()) {
      const crypto::Certificate& succession = entry.certificate;
      if (entry.row.role != CertificateRole::kSuccession || !succession.Names(server_)) continue;
      if (succession.key().digest() != owner || !succession.authority_key_id()) continue;
      path_.push_back(&succession);
      if (From(*succession.authority_key_id())) return true;
      path_.pop_back();
    }
    return false;
  }
  [[nodiscard]] const std::vector<const crypto::Certificate*>& path() const { return path_; }

 private:
  const IdentityBook& book_;
  const Digest& goal_;
  const ServerId& server_;
  std::vector<const crypto::Certificate*> path_;
  std::set<Digest> seen_;
};

}  // namespace

Result<IdentityBook> IdentityBook::Load(store::Registry& registry) {
  const auto rows = registry.ListCertificates();
  if (!rows) return WithContext("cannot read the server's certificates", rows.error());
  return Make(*rows);
}

Result<IdentityBook> IdentityBook::LoadInUse(store::Registry& registry) {
  auto rows = registry.ListCertificates();
  if (!rows) return WithContext("cannot read the server's certificates", std::move(rows).error());
  std::erase_if(*rows, [](const store::CertificateRow& row) {
    return row.role == CertificateRole::kServer &&
           (row.state == CertificateState::kReplaced || row.state == CertificateState::kRevoked);
  });
  return Make(*rows);
}

Result<IdentityBook> IdentityBook::Make(const std::vector<store::CertificateRow>& rows) {
  IdentityBook book;
  for (const auto& row : rows) {
    auto entry = ReadEntry(row);
    if (!entry) return std::unexpected(std::move(entry).error());
    const bool single =
        row.role == CertificateRole::kServer &&
        (row.state == CertificateState::kActive || row.state == CertificateState::kReserve ||
         row.state == CertificateState::kPending);
    if (single && book.Find(row.state) != nullptr) {
      return Damaged(row, "certificate " + book.Find(row.state)->certificate.serial() +
                              " is in the same state, and only one can be");
    }
    book.entries_.push_back(*std::move(entry));
  }
  if (const Entry* const current = CurrentOf(book)) book.server_ids_ = current->identity.server_ids;
  return book;
}

const IdentityBook::Entry* IdentityBook::Find(CertificateState state) const {
  const auto at = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.row.role == CertificateRole::kServer && entry.row.state == state;
  });
  return at == entries_.end() ? nullptr : &*at;
}

std::vector<const IdentityBook::Entry*> IdentityBook::Aborted() const {
  std::vector<const Entry*> aborted;
  for (const Entry& entry : entries_) {
    if (entry.row.state == CertificateState::kAborted) aborted.push_back(&entry);
  }
  return aborted;
}

const IdentityBook::Entry* IdentityBook::FindServer(const Digest& thumbprint) const {
  const auto at = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.row.role == CertificateRole::kServer && entry.row.thumbprint == thumbprint;
  });
  return at == entries_.end() ? nullptr : &*at;
}

const crypto::Certificate* IdentityBook::OwnerCertificate() const {
  const Entry* const current = CurrentOf(*this);
  if (current == nullptr) return nullptr;
  if (current->identity.self_signed) return &current->certificate;
  const Entry* const owner = FindCarrier(*this, current->identity.owner);
  return owner == nullptr ? nullptr : &owner->certificate;
}

bool IdentityBook::IsOurs(const ServerId& id) const {
  return std::find(server_ids_.begin(), server_ids_.end(), id) != server_ids_.end();
}

std::uint64_t IdentityBook::HighestGeneration() const {
  std::uint64_t highest = 0;
  for (const Entry& entry : entries_) highest = std::max(highest, entry.identity.generation);
  return highest;
}

std::uint64_t IdentityBook::SafeGeneration() const {
  const std::uint64_t revoked = RevokedGeneration();
  if (revoked == 0) return 0;
  std::uint64_t safe = UINT64_MAX;
  for (const Entry& entry : entries_) {
    if (entry.identity.generation > revoked) safe = std::min(safe, entry.identity.generation);
  }
  return safe;
}

std::uint64_t IdentityBook::RevokedGeneration() const {
  std::uint64_t highest = 0;
  for (const Entry& entry : entries_) {
    if (entry.row.state == CertificateState::kRevoked) {
      highest = std::max(highest, entry.identity.generation);
    }
  }
  return highest;
}

std::optional<Instant> IdentityBook::RevokedUntil() const {
  std::optional<Instant> until;
  for (const Entry& entry : entries_) {
    if (entry.row.state != CertificateState::kRevoked) continue;
    if (!until || *until < entry.certificate.not_after()) until = entry.certificate.not_after();
  }
  return until;
}

bool IdentityBook::KnowsOwner(const Digest& owner) const {
  return FindCarrier(*this, owner) != nullptr;
}

std::set<Digest> IdentityBook::EarlierOwners() const {
  std::set<Digest> earlier;
  for (const Entry& entry : entries_) {
    if (CarriesOwner(entry, entry.certificate.key().digest())) {
      earlier.insert(entry.certificate.key().digest());
    }
  }
  if (const Entry* const current = CurrentOf(*this)) earlier.erase(current->identity.owner);
  return earlier;
}

std::optional<std::vector<Bytes>> IdentityBook::BundleFor(const Entry& target, const Digest& owner,
                                                          const ServerId& server) const {
  if (target.identity.self_signed || !target.certificate.Names(server)) return std::nullopt;
  const Entry* const carrier = FindCarrier(*this, owner);
  if (carrier == nullptr) return std::nullopt;
  PathSearch search(*this, owner, server);
  if (!search.From(target.identity.owner)) return std::nullopt;
  std::vector<Bytes> bundle = {target.certificate.der()};
  for (const auto* const succession : search.path()) bundle.push_back(succession->der());
  bundle.push_back(carrier->certificate.der());
  return bundle;
}

}  // namespace countersign::server
