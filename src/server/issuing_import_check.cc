#include "server/issuing_internal.h"
#include "server/next_steps.h"
#include "server/rollout.h"

// What keeps a server from taking an identity over.
namespace countersign::server {
namespace {

using store::CertificateState;

// An older copy of this very identity would take the server back behind its agents.
Status CheckNotOlder(const IdentityBook& present, const IdentityBook& incoming) {
  const auto* const ours = present.Active();
  const auto* const theirs = incoming.Active();
  if (!IsSame(present, incoming) || theirs->identity.generation >= ours->identity.generation) {
    return {};
  }
  return Fail(Code::kRefused,
              "the file is an older backup of this server's own identity: its certificate " +
                  theirs->certificate.serial() + " was replaced by " + ours->certificate.serial() +
                  ", which agents may hold already. Nothing was changed. If the present automatic "
                  "backup (" +
                  std::string(kBackupPath) +
                  ") is lost, put the OfficeScanAuth.dat of the file in its place and make a new "
                  "certificate",
              std::string(kReplaceCommand));
}

// Such a file brings the active certificate back, and not a rollout whose certificate agents hold.
Status CheckNoRollout(World& world, const IdentityBook& present, const IdentityBook& incoming) {
  const auto* const ours = present.Active();
  // The owner of an imported certificate is another one than that of the rollout behind it.
  const bool own = IsSame(present, incoming) ||
                   (ours != nullptr && incoming.FindServer(ours->row.thumbprint) != nullptr);
  if (!own) return {};
  const auto under_way = RolloutUnderWay(world.registry);
  if (!under_way) return std::unexpected(under_way.error());
  if (!*under_way) return {};
  return Fail(Code::kRefused,
              "the file is of this server's own identity, and the rollout of generation " +
                  std::to_string((*under_way)->rollout.generation) +
                  " is under way, whose certificate agents may hold already. Nothing was changed. "
                  "Finish or abort it first",
              "countersign rollout finish, or countersign rollout abort");
}

Status CheckNotWithdrawn(const IdentityBook& present, const IdentityBook& incoming) {
  const auto& certificate = incoming.Active()->certificate;
  if (!IsWithdrawn(present, certificate)) return {};
  return Fail(Code::kRefused,
              "the file would bring back certificate " + certificate.serial() +
                  ", which was aborted or revoked on this server. Nothing was changed",
              std::string(kReplaceCommand));
}

}  // namespace

bool IsSame(const IdentityBook& present, const IdentityBook& incoming) {
  const auto* const ours = present.Active();
  return ours != nullptr && ours->identity.owner == incoming.Active()->identity.owner &&
         incoming.IsOurs(ours->identity.server_ids.front());
}

bool IsWithdrawn(const IdentityBook& known, const crypto::Certificate& certificate) {
  const auto* const entry = known.FindServer(certificate.thumbprint());
  return entry != nullptr && (entry->row.state == CertificateState::kAborted ||
                              entry->row.state == CertificateState::kRevoked);
}

Status CheckMayImport(World& world, const IdentityBook& present, const IdentityBook& incoming) {
  COUNTERSIGN_RETURN_IF_ERROR(CheckNotOlder(present, incoming));
  COUNTERSIGN_RETURN_IF_ERROR(CheckNoRollout(world, present, incoming));
  return CheckNotWithdrawn(present, incoming);
}

}  // namespace countersign::server
