#include "server/offline.h"

#include <algorithm>

#include "base/encoding.h"
#include "server/events.h"
#include "server/issuing_internal.h"
#include "server/next_steps.h"
#include "trust/rule_a.h"

namespace countersign::server {
namespace {

using store::CertificateRole;
using store::CertificateState;
using wire::OwnerRequest;

// What is noted of a request: without the lists, which are only for the backup.
std::string NoteOf(OwnerRequest request) {
  request.certificates.clear();
  request.admitted.clear();
  return wire::FormatOwnerRequest(request);
}

Result<crypto::PrivateKey> DrawKey(World& world) {
  auto key = crypto::PrivateKey::Generate(crypto::KeyKind::kP256);
  if (!key) return WithContext("cannot make a server key", std::move(key).error());
  const auto added = world.ring.Add(*key, keys::Exportable::kYes);
  if (!added) return std::unexpected(added.error());
  return key;
}

Result<const IdentityBook::Entry*> ActiveWithOwner(const IdentityBook& book) {
  const auto* const active = book.Active();
  if (active == nullptr) {
    return Fail(Code::kNotFound, "this server has no certificate that could be replaced offline",
                std::string(kReplaceCommand));
  }
  if (!active->identity.self_signed) return active;
  return Fail(
      Code::kRefused,
      "this identity was imported, and its only key, which is its owner key too, is on this "
      "server: nothing could be done offline. Nothing was changed. An owner key of its own "
      "is made by",
      std::string(kReplaceCommand));
}

std::vector<Bytes> CertificatesOf(const IdentityBook& book) {
  std::vector<Bytes> ders;
  for (const auto& certificate : CertificatesToKeep(book)) ders.push_back(certificate.der());
  return ders;
}

// --- the server's end ---

Status CheckAnswer(const OwnerRequest& asked, const crypto::Certificate& certificate, ByteView key,
                   std::uint64_t generation, const IdentityBook::Entry& present,
                   const crypto::Certificate& owner) {
  const auto refuse = [&](const std::string& why) {
    return Fail(Code::kRefused, "the certificate " + certificate.serial() + " of the answer " +
                                    why + ". Nothing was changed");
  };
  if (!std::ranges::equal(certificate.key().spki(), key)) {
    return refuse("is for another key than this server asked for");
  }
  if (certificate.generation() != generation) {
    return refuse("has not the generation that was asked for, " + std::to_string(generation));
  }
  if (certificate.server_ids() != asked.server_ids) return refuse("names other server ids");
  const auto trust = trust::FirstTrust(present.certificate, nullptr);
  if (!trust) return refuse("cannot be judged: the present certificate cannot be trusted");
  const auto accepted = trust::RuleA(*trust, std::vector<Bytes>{certificate.der(), owner.der()},
                                     trust::DistrustList());
  if (accepted) return {};
  return refuse("would be refused by agents: " + std::string(VerdictName(accepted.error())));
}

Result<OwnerRequest> OutstandingRequest(World& world) {
  const auto note = world.registry.GetMeta(kMetaOwnerRequest);
  if (!note) return std::unexpected(note.error());
  if (!*note || (*note)->empty()) {
    return Fail(Code::kNotFound,
                "no request to the owner is outstanding here: another certificate was made since, "
                "or the answer is installed already",
                "countersign owner request -o REQUEST");
  }
  return wire::ParseOwnerRequest(**note);
}

Change MakeChange(const OwnerRequest& asked, const crypto::Certificate& active,
                  const crypto::Certificate& reserve, Rows rows, Instant now) {
  Retire(rows, now, asked.compromised ? CertificateState::kRevoked : CertificateState::kReplaced);
  PutRow(rows, MakeRow(active, CertificateRole::kServer, CertificateState::kActive, now));
  PutRow(rows, MakeRow(reserve, CertificateRole::kServer, CertificateState::kReserve, now));
  return {
      .new_keys = {},
      .backup = std::nullopt,
      .rows = std::move(rows),
      .newest_issue = std::max(asked.created, now),
      .admitted = {},
      .event = {.id = 0,
                .at = now,
                .kind = asked.compromised ? "certificate-revoked" : "certificate-replaced",
                .agent = {},
                .text = "new certificate " + active.serial() + ", signed offline by the owner"}};
}

}  // namespace

Result<std::vector<Digest>> RequestedKeys(World& world) {
  const auto note = world.registry.GetMeta(kMetaOwnerRequest);
  if (!note) return std::unexpected(note.error());
  std::vector<Digest> digests;
  if (!*note || (*note)->empty()) return digests;
  const auto request = wire::ParseOwnerRequest(**note);
  if (!request) return WithContext("the request to the owner in the registry", request.error());
  for (const Bytes* const spki : {&request->active_key, &request->reserve_key}) {
    const auto key = crypto::PublicKey::FromSpki(*spki);
    if (key) digests.push_back(key->digest());
  }
  return digests;
}

Result<OwnerRequest> MakeOwnerRequest(World& world, const store::ServerConfig& config,
                                      const ReplaceOptions& options, Instant now) {
  COUNTERSIGN_RETURN_IF_ERROR(CheckIssuer(config));
  COUNTERSIGN_RETURN_IF_ERROR(CheckClock(world, options.clock, now));
  const auto book = IdentityBook::Load(world.registry);
  if (!book) return std::unexpected(book.error());
  const auto present = ActiveWithOwner(*book);
  if (!present) return std::unexpected(present.error());
  const auto generation = NextGeneration(world, *book, {}, book->server_ids(), now);
  if (!generation) return std::unexpected(generation.error());
  auto admitted = AdmittedAgents(world, {});
  if (!admitted) return std::unexpected(std::move(admitted).error());
  const auto active = DrawKey(world);
  if (!active) return std::unexpected(active.error());
  const auto reserve = DrawKey(world);
  if (!reserve) return std::unexpected(reserve.error());
  const Seconds validity = std::chrono::hours(24) * config.certificate_days;
  OwnerRequest request{.server_ids = book->server_ids(),
                       .generation = *generation,
                       .common_name = config.common_name,
                       .not_before = now - kBackdated,
                       .not_after = now + validity,
                       .reserve_not_after = now + 2 * validity,
                       .active_key = active->public_key().spki(),
                       .reserve_key = reserve->public_key().spki(),
                       .owner = (*present)->identity.owner,
                       .compromised = options.compromised,
                       .created = now,
                       .certificates = CertificatesOf(*book),
                       .admitted = *std::move(admitted)};
  const auto noted = world.registry.Transact([&]() -> Status {
    COUNTERSIGN_RETURN_IF_ERROR(world.registry.PutMeta(kMetaOwnerRequest, NoteOf(request)));
    return RecordEvent(world, {.id = 0,
                               .at = now,
                               .kind = "owner-asked",
                               .agent = {},
                               .text = "a request to the owner for generation " +
                                       std::to_string(request.generation)});
  });
  if (!noted) return std::unexpected(noted.error());
  // The keys of an earlier request are of no use any more.
  const auto finished = Finish(world, Tell::kNo);
  if (!finished) world.log.Write(LogLevel::kWarning, finished.error().message);
  return request;
}

Result<Issued> InstallOwnerAnswer(World& world, const wire::OwnerAnswer& answer, Instant now) {
  const auto asked = OutstandingRequest(world);
  if (!asked) return std::unexpected(asked.error());
  auto rows = world.registry.ListCertificates();
  if (!rows) return std::unexpected(std::move(rows).error());
  const auto book = IdentityBook::Make(*rows);
  if (!book) return std::unexpected(book.error());
  const auto* const present = book->Active();
  const auto* const owner = book->OwnerCertificate();
  if (present == nullptr || owner == nullptr) {
    return Fail(Code::kDamaged,
                "the registry does not hold the certificate that is to be replaced");
  }
  const auto active = crypto::Certificate::Parse(answer.active);
  if (!active) return WithContext("the active certificate of the answer", active.error());
  const auto reserve = crypto::Certificate::Parse(answer.reserve);
  if (!reserve) return WithContext("the reserve certificate of the answer", reserve.error());
  COUNTERSIGN_RETURN_IF_ERROR(
      CheckAnswer(*asked, *active, asked->active_key, asked->generation, *present, *owner));
  COUNTERSIGN_RETURN_IF_ERROR(
      CheckAnswer(*asked, *reserve, asked->reserve_key, asked->generation + 1, *present, *owner));
  for (const auto* const certificate : {&*active, &*reserve}) {
    const auto signer = world.ring.Find(certificate->key().digest());
    if (!signer) return WithContext("the key that was asked for", signer.error());
  }
  auto admitted = AdmittedAgents(world, {});
  if (!admitted) return std::unexpected(std::move(admitted).error());
  const auto kept = world.storage.KeepBackup();
  if (!kept && kept.error().code != Code::kNotFound) return std::unexpected(kept.error());

  const crypto::Certificate replaced = present->certificate;
  Change change = MakeChange(*asked, *active, *reserve, *std::move(rows), now);
  change.backup = SealedBackup{.file = answer.backup, .num_admitted = admitted->size()};
  auto committed = Commit(world, change);
  if (!committed) return std::unexpected(std::move(committed).error());
  Issued issued{.certificate = *active,
                .replaced = replaced,
                .owner_made = false,
                .unfinished = *std::move(committed)};
  if (kept) issued.notes.push_back("the automatic backup before is kept as " + *kept);
  issued.notes.emplace_back(
      "the new automatic backup does not hold the private keys of the new certificates, which "
      "never "
      "left this server; when no thief is feared any more: countersign backup password");
  return issued;
}

}  // namespace countersign::server
