#include <algorithm>

#include "base/encoding.h"
#include "server/issuing_internal.h"

// Two fleets on one certificate (protocol section 2, "onto a server whose agents hold another
// identity").
namespace countersign::server {
namespace {

using store::CertificateRole;
using store::CertificateState;

// What signs for the owner of the imported identity.
Result<ServerPart> OwnerPartOf(World& world, const Incoming& incoming, Instant now) {
  const auto& active = *incoming.book.Active();
  if (incoming.parts.owner_key) {
    auto owner = OwnerOf(world, *incoming.parts.owner_key, incoming.book,
                         incoming.book.server_ids().front(), now);
    if (!owner) return std::unexpected(std::move(owner).error());
    return ServerPart{std::move(owner->key), std::move(owner->certificate)};
  }
  const auto* const key = KeyOf(incoming.parts.server_keys, active.certificate);
  if (active.identity.self_signed && key != nullptr) return ServerPart{*key, active.certificate};
  return Fail(Code::kRefused,
              "the owner key of the imported identity is not in the file, and only it can say that "
              "its agents follow another owner. Nothing was changed. Import that server's "
              "automatic backup (" +
                  std::string(kBackupPath) + ") instead");
}

std::vector<ServerId> Union(std::vector<ServerId> ids, const std::vector<ServerId>& more) {
  for (const ServerId& id : more) {
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  return ids;
}

Generations Highest(Generations known, const Generations& more) {
  for (const auto& [id, generation] : more) {
    known[id] = std::max(known[id], generation);
  }
  return known;
}

// Everything both sides know, with no certificate in use.
Result<Present> Together(Present present, const Incoming& incoming, Instant now) {
  Rows theirs = incoming.rows;
  Retire(theirs, now);
  Retire(present.rows, now);
  for (auto& row : theirs) {
    const bool known =
        std::any_of(present.rows.begin(), present.rows.end(),
                    [&](const auto& other) { return other.thumbprint == row.thumbprint; });
    if (!known) present.rows.push_back(std::move(row));
  }
  present.server_ids = Union(present.server_ids, incoming.book.server_ids());
  present.admitted.insert(present.admitted.end(), incoming.parts.admitted.begin(),
                          incoming.parts.admitted.end());
  auto& manifest = *present.backup.manifest;
  manifest.generations = Highest(manifest.generations, incoming.parts.generations);
  auto book = IdentityBook::Make(present.rows);
  if (!book) return std::unexpected(std::move(book).error());
  present.book = *std::move(book);
  return present;
}

}  // namespace

Result<Issued> MergeIdentity(World& world, const store::ServerConfig& config,
                             const Incoming& incoming, const SecretBytes& present_password,
                             Instant now) {
  COUNTERSIGN_RETURN_IF_ERROR(CheckIssuer(config));
  COUNTERSIGN_RETURN_IF_ERROR(CheckClock(world, ClockIsRight::kNo, now));
  auto present = OpenPresent(world, present_password, now);
  if (!present) return std::unexpected(std::move(present).error());
  const auto* const active = present->book.Active();
  std::optional<crypto::Certificate> replaced;
  if (active != nullptr) replaced = active->certificate;
  auto use = ChooseOwner(world, *present, present_password, now);
  if (!use) return std::unexpected(std::move(use).error());
  const auto theirs = OwnerPartOf(world, incoming, now);
  if (!theirs) return std::unexpected(theirs.error());
  if (theirs->key.public_key() != use->owner.key.public_key()) {
    auto succession = IssueSuccession(world, use->owner, *theirs, incoming.book.server_ids(), now);
    if (!succession) return std::unexpected(std::move(succession).error());
    use->successions.push_back(*std::move(succession));
  }
  const auto together = Together(*std::move(present), incoming, now);
  if (!together) return std::unexpected(together.error());
  store::EventRow event{.id = 0,
                        .at = now,
                        .kind = "identities-merged",
                        .agent = {},
                        .text = ", to which the agents of certificate " +
                                incoming.book.Active()->certificate.serial() + " (" +
                                incoming.book.Active()->certificate.subject() + ") follow"};
  auto issued = IssueUnder(world, config, *together, *use, present_password, std::move(event), now);
  if (!issued) return issued;
  issued->replaced = std::move(replaced);
  issued->merged = true;
  issued->notes.push_back(
      "both fleets take over the new certificate at their next contact; keep the address of the "
      "imported identity's server pointing here until its agents were seen");
  return issued;
}

}  // namespace countersign::server
