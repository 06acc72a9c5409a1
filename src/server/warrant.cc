#include "server/warrant.h"

#include <algorithm>

#include "keys/backup.h"
#include "server/issuing_internal.h"
#include "trust/identity.h"

namespace countersign::server {
namespace {

// The owner's key and the certificate that carries it. An imported identity has no owner key of
// its own: the key of its self-signed certificate is both.
std::optional<Owner> OwnerOf(const keys::BackupContents& backup) {
  for (const auto& certificate : backup.certificates) {
    if (!certificate.IsSignedBy(certificate.key())) continue;
    if (backup.owner_key) {
      if (certificate.key() == backup.owner_key->public_key()) {
        return Owner{*backup.owner_key, certificate};
      }
      continue;
    }
    for (const auto& key : backup.server_keys) {
      if (certificate.key() == key.public_key()) return Owner{key, certificate};
    }
  }
  return std::nullopt;
}

Result<ServerId> ServerOf(const keys::BackupContents& backup, const WarrantRequest& request) {
  const auto& known = backup.manifest->server_ids;
  if (known.empty()) return Fail(Code::kRefused, "the backup names no server. Nothing was signed");
  if (!request.server && known.size() > 1) {
    std::string ids;
    for (const ServerId& id : known) ids += (ids.empty() ? "" : ", ") + id.Text();
    return Fail(Code::kUsage,
                "the backup is of fleets that were brought together, with the server ids " + ids +
                    ", and the agent takes a warrant for its own alone. Nothing was signed",
                "the same command with --server ID (countersign-agentd status, on the agent, names "
                "it)");
  }
  if (!request.server) return known.front();
  if (std::ranges::find(known, *request.server) != known.end()) return *request.server;
  return Fail(Code::kRefused, "the backup does not hold the server id " + request.server->Text() +
                                  "; it holds " + known.front().Text() +
                                  (known.size() > 1 ? " and others" : "") + ". Nothing was signed");
}

}  // namespace

Result<MadeWarrant> MakeWarrant(ByteView backup, const SecretBytes& password,
                                const WarrantRequest& request, RandomSource& random, Instant now) {
  const auto contents = OpenBackupCopy(backup, password);
  if (!contents) return std::unexpected(contents.error());
  const auto owner = contents->manifest ? OwnerOf(*contents) : std::nullopt;
  if (!owner) {
    return Fail(Code::kRefused,
                "the file holds no owner key: it is no automatic backup (OfficeScanAuth.dat). "
                "Nothing was signed");
  }
  const auto server = ServerOf(*contents, request);
  if (!server) return std::unexpected(server.error());
  const auto iat = static_cast<std::uint64_t>(std::max<std::int64_t>(0, ToUnix(now)));
  const auto life = static_cast<std::uint64_t>(std::max<std::int64_t>(0, request.life.count()));
  MadeWarrant made{.text = {},
                   .warrant = {.x5c = owner->certificate.der(),
                               .jti = random.Token(),
                               .iat = iat,
                               .exp = iat + life,
                               .server = *server,
                               .act = request.act,
                               .agents = request.agents,
                               .target = request.target}};
  auto text = wire::SignWarrant(made.warrant, owner->key);
  if (!text) return std::unexpected(std::move(text).error());
  made.text = *std::move(text);
  return made;
}

}  // namespace countersign::server
