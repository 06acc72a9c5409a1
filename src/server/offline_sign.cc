#include <algorithm>
#include <set>

#include "base/encoding.h"
#include "server/issuing_internal.h"
#include "server/offline.h"

// The owner's part, on the owner's machine.
namespace countersign::server {
namespace {

using wire::OwnerRequest;

constexpr Seconds kMostAhead = std::chrono::hours(24);

std::unexpected<Error> RefuseToSign(std::string why, std::string next = {}) {
  return Fail(Code::kRefused, std::move(why) + ". Nothing was signed", std::move(next));
}

Status CheckOwner(const OwnerRequest& request, const keys::BackupContents& backup) {
  if (!backup.manifest || !backup.owner_key) {
    return RefuseToSign(
        "the file holds no owner key: it is no automatic backup (OfficeScanAuth.dat), or "
        "one of an imported identity");
  }
  const Digest& ours = backup.owner_key->public_key().digest();
  if (request.owner == ours) return {};
  return RefuseToSign("the request is for the owner key " + HexLower(request.owner) +
                      ", and the one in the backup is " + HexLower(ours));
}

// A server id that the backup does not hold is a thief's, or another owner's business.
Status CheckServers(const OwnerRequest& request, const keys::BackupManifest& manifest) {
  for (const ServerId& id : request.server_ids) {
    const auto known = std::ranges::find(manifest.server_ids, id);
    if (known == manifest.server_ids.end()) {
      return RefuseToSign("the request names the server id " + id.Text() +
                          ", which the backup does not hold");
    }
    const auto at = manifest.generations.find(id);
    if (at != manifest.generations.end() && at->second >= request.generation) {
      return RefuseToSign("the request asks for generation " + std::to_string(request.generation) +
                          ", and the backup knows " + std::to_string(at->second) +
                          " already: it is an old request, or the backup is of another time");
    }
  }
  return {};
}

Status CheckTimes(const OwnerRequest& request, ClockIsRight clock, Instant now) {
  if (request.not_before >= request.not_after || request.not_after > request.reserve_not_after) {
    return RefuseToSign("the request's dates are not in order");
  }
  const Instant asked = FromUnix(static_cast<std::int64_t>(request.generation));
  if (clock == ClockIsRight::kYes || asked <= now + kMostAhead) return {};
  return RefuseToSign("the generation asked for is that of " + FormatUtc(asked) +
                          ", more than a day ahead of this machine's clock (" + FormatUtc(now) +
                          "): one of the two clocks is wrong. If this one is right, say so",
                      "the same command with --clock-is-right");
}

Result<crypto::Certificate> CertificateFor(const OwnerRequest& request, const Owner& owner,
                                           ByteView spki, std::uint64_t generation,
                                           Instant not_after, RandomSource& random) {
  const auto key = crypto::PublicKey::FromSpki(spki);
  if (!key) return WithContext("a key of the request", key.error());
  return crypto::IssueCertificate({.role = crypto::CertificateRequest::Role::kServer,
                                   .common_name = request.common_name,
                                   .generation = generation,
                                   .server_ids = request.server_ids,
                                   .not_before = request.not_before,
                                   .not_after = not_after,
                                   .serial_random = random.Array<16>()},
                                  *key, owner.key, &owner.certificate);
}

// The new automatic backup: what the old one held, and what the server has had since. Server keys
// are not the owner's to keep.
keys::BackupContents NewBackup(const OwnerRequest& request, keys::BackupContents backup,
                               const OwnerSignature& made, Instant now) {
  backup.server_keys.clear();
  std::set<Digest> known;
  for (const auto& certificate : backup.certificates) known.insert(certificate.thumbprint());
  const auto add = [&](const crypto::Certificate& certificate) {
    if (known.insert(certificate.thumbprint()).second) backup.certificates.push_back(certificate);
  };
  for (const Bytes& der : request.certificates) {
    // What this owner did not sign is not taken on a server's word: a thief's could name a
    // generation that no later one exceeds. What does not parse could not be used anyway.
    const auto certificate = crypto::Certificate::Parse(der);
    if (certificate && certificate->IsSignedBy(backup.owner_key->public_key())) add(*certificate);
  }
  add(made.active);
  add(made.reserve);
  for (const ServerId& id : request.server_ids) {
    backup.manifest->generations[id] = request.generation + 1;
  }
  backup.manifest->admitted = request.admitted;
  backup.manifest->written_at = now;
  return backup;
}

}  // namespace

Result<OwnerSignature> SignOwnerRequest(const OwnerRequest& request, ByteView backup,
                                        const SecretBytes& password, const SignOptions& options,
                                        RandomSource& random, Instant now) {
  auto contents = OpenBackupCopy(backup, password);
  if (!contents) return std::unexpected(std::move(contents).error());
  COUNTERSIGN_RETURN_IF_ERROR(CheckOwner(request, *contents));
  COUNTERSIGN_RETURN_IF_ERROR(CheckServers(request, *contents->manifest));
  COUNTERSIGN_RETURN_IF_ERROR(CheckTimes(request, options.clock, now));
  const auto owner = OwnerIn(*contents);
  if (!owner) return std::unexpected(owner.error());
  auto active = CertificateFor(request, *owner, request.active_key, request.generation,
                               request.not_after, random);
  if (!active) return std::unexpected(std::move(active).error());
  auto reserve = CertificateFor(request, *owner, request.reserve_key, request.generation + 1,
                                request.reserve_not_after, random);
  if (!reserve) return std::unexpected(std::move(reserve).error());
  OwnerSignature made{.answer = {}, .active = *std::move(active), .reserve = *std::move(reserve)};
  auto sealed = keys::SealBackup(NewBackup(request, *std::move(contents), made, now), password,
                                 options.backup_iterations);
  if (!sealed) return WithContext("cannot seal the new automatic backup", sealed.error());
  made.answer = {
      .active = made.active.der(), .reserve = made.reserve.der(), .backup = *std::move(sealed)};
  return made;
}

}  // namespace countersign::server
