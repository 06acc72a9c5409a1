#include <algorithm>
#include <charconv>

#include "server/issuing_internal.h"

namespace countersign::server {
namespace {

using crypto::CertificateRequest;
using store::CertificateRole;
using store::CertificateState;

std::string OwnerName(const ServerId& server) {
  return "Countersign Owner " + server.Text().substr(0, 8);
}

// An owner's certificate of ours, told from an imported one, which may be a CA certificate too.
bool LooksLikeOwner(const crypto::Certificate& certificate) {
  static const Instant kNever = *ParseUtc("9999-12-31T23:59:59Z");
  return certificate.may_sign_certificates() && !certificate.has_authority_key_id() &&
         certificate.server_ids().empty() && !certificate.generation() &&
         certificate.not_after() == kNever;
}

CertificateRole RoleOf(const crypto::Certificate& certificate, const keys::BackupContents& backup) {
  if (!certificate.IsSignedBy(certificate.key())) {
    return certificate.is_ca() ? CertificateRole::kSuccession : CertificateRole::kServer;
  }
  const bool is_owner = (backup.owner_key && backup.owner_key->public_key() == certificate.key()) ||
                        LooksLikeOwner(certificate);
  return is_owner ? CertificateRole::kOwner : CertificateRole::kServer;
}

}  // namespace

Result<std::optional<std::uint64_t>> ReadMetaNumber(World& world, std::string_view name) {
  const auto text = world.registry.GetMeta(name);
  if (!text) return std::unexpected(text.error());
  if (!*text) return std::nullopt;
  std::uint64_t value = 0;
  const char* const end = (*text)->data() + (*text)->size();
  const auto [at, error] = std::from_chars((*text)->data(), end, value);
  if (error != std::errc() || at != end || value > kMaxGeneration) {
    return Fail(Code::kDamaged,
                "\"" + std::string(name) + "\" in the registry is no number: \"" + **text + "\"");
  }
  return value;
}

Status CheckClock(World& world, ClockIsRight clock, Instant now) {
  const auto newest = ReadMetaNumber(world, kMetaNewestIssue);
  if (!newest) return std::unexpected(newest.error());
  if (!*newest || clock == ClockIsRight::kYes) return {};
  const Instant issued = FromUnix(static_cast<std::int64_t>(**newest));
  if (now >= issued) return {};
  return Fail(Code::kRefused,
              "this server's clock stands at " + FormatUtc(now) +
                  ", before its own newest certificate, issued " + FormatUtc(issued) +
                  ": one of the two is wrong. Nothing was changed. Set the clock; or, if it is "
                  "right and was ahead then, say so",
              "the same command with --clock-is-right");
}

Result<std::uint64_t> NextGeneration(World& world, const IdentityBook& book,
                                     const Generations& known,
                                     const std::vector<ServerId>& server_ids, Instant now) {
  const auto proved = ReadMetaNumber(world, kMetaProvedGeneration);
  if (!proved) return std::unexpected(proved.error());
  std::uint64_t highest = proved->value_or(0);
  for (const ServerId& id : server_ids) {
    for (const auto& entry : book.entries()) {
      if (entry.identity.Names(id)) highest = std::max(highest, entry.identity.generation);
    }
    if (const auto at = known.find(id); at != known.end()) highest = std::max(highest, at->second);
  }
  const auto unix_now = static_cast<std::uint64_t>(std::max<std::int64_t>(1, ToUnix(now)));
  const std::uint64_t next = std::max(highest + 1, unix_now);
  if (next < kMaxGeneration) return next;  // the reserve needs one more
  return Fail(Code::kExhausted, "the generation " + std::to_string(highest) +
                                    " leaves none above it: this identity cannot issue any more");
}

Result<crypto::Certificate> CertifyOwner(World& world, const crypto::PrivateKey& key,
                                         const ServerId& server, Instant now) {
  const CertificateRequest request{.role = CertificateRequest::Role::kOwner,
                                   .common_name = OwnerName(server),
                                   .generation = std::nullopt,
                                   .server_ids = {},
                                   .not_before = now - kBackdated,
                                   .not_after = std::nullopt,
                                   .serial_random = world.random.Array<16>()};
  return crypto::IssueCertificate(request, key.public_key(), key, nullptr);
}

Result<Owner> MakeOwner(World& world, const ServerId& server, Instant now) {
  auto key = crypto::PrivateKey::Generate(crypto::KeyKind::kP256);
  if (!key) return WithContext("cannot make an owner key", std::move(key).error());
  auto certificate = CertifyOwner(world, *key, server, now);
  if (!certificate) {
    return WithContext("cannot make the owner's certificate", std::move(certificate).error());
  }
  return Owner{*std::move(key), *std::move(certificate)};
}

Result<crypto::Certificate> IssueSuccession(World& world, const Owner& to, const ServerPart& from,
                                            const std::vector<ServerId>& server_ids, Instant now) {
  const CertificateRequest request{.role = CertificateRequest::Role::kSuccession,
                                   .common_name = OwnerName(server_ids.front()),
                                   .generation = std::nullopt,
                                   .server_ids = server_ids,
                                   .not_before = now - kBackdated,
                                   .not_after = std::nullopt,
                                   .serial_random = world.random.Array<16>()};
  auto succession =
      crypto::IssueCertificate(request, to.certificate.key(), from.key, &from.certificate);
  if (succession) return succession;
  return WithContext(
      "cannot make the succession from " + from.certificate.serial() + " to the new owner key",
      std::move(succession).error());
}

Result<ServerPart> IssueServer(World& world, const Owner& owner, const ServerRequest& request) {
  auto key = crypto::PrivateKey::Generate(crypto::KeyKind::kP256);
  if (!key) return WithContext("cannot make a server key", std::move(key).error());
  const CertificateRequest full{.role = CertificateRequest::Role::kServer,
                                .common_name = request.common_name,
                                .generation = request.generation,
                                .server_ids = request.server_ids,
                                .not_before = request.not_before,
                                .not_after = request.not_after,
                                .serial_random = world.random.Array<16>()};
  auto certificate =
      crypto::IssueCertificate(full, key->public_key(), owner.key, &owner.certificate);
  if (!certificate) {
    return WithContext(
        "cannot issue the server certificate of generation " + std::to_string(request.generation),
        std::move(certificate).error());
  }
  return ServerPart{*std::move(key), *std::move(certificate)};
}

Result<Pair> IssuePair(World& world, const store::ServerConfig& config, const Owner& owner,
                       const std::vector<ServerId>& server_ids, std::uint64_t generation,
                       Instant now) {
  auto active = IssueServer(world, owner,
                            {.common_name = config.common_name,
                             .server_ids = server_ids,
                             .generation = generation,
                             .not_before = now - kBackdated,
                             .not_after = now + ValidityOf(config)});
  if (!active) return std::unexpected(std::move(active).error());
  auto reserve = IssueReserve(world, config, owner, server_ids, generation + 1, now);
  if (!reserve) return std::unexpected(std::move(reserve).error());
  return Pair{*std::move(active), *std::move(reserve)};
}

Result<ServerPart> IssueReserve(World& world, const store::ServerConfig& config, const Owner& owner,
                                const std::vector<ServerId>& server_ids, std::uint64_t generation,
                                Instant now) {
  return IssueServer(world, owner,
                     {.common_name = config.common_name,
                      .server_ids = server_ids,
                      .generation = generation,
                      .not_before = now - kBackdated,
                      .not_after = now + 2 * ValidityOf(config)});
}

Seconds ValidityOf(const store::ServerConfig& config) {
  return std::chrono::hours(24) * config.certificate_days;
}

store::CertificateRow MakeRow(const crypto::Certificate& certificate, CertificateRole role,
                              CertificateState state, Instant since) {
  store::CertificateRow row{.thumbprint = certificate.thumbprint(),
                            .der = certificate.der(),
                            .role = role,
                            .state = state,
                            .generation = 0,
                            .since = since};
  if (role == CertificateRole::kServer) {
    if (const auto identity = trust::IdentityOf(certificate)) row.generation = identity->generation;
  }
  return row;
}

void PutRow(Rows& rows, store::CertificateRow row) {
  const auto at = std::find_if(rows.begin(), rows.end(), [&](const auto& other) {
    return other.thumbprint == row.thumbprint;
  });
  if (at == rows.end()) {
    rows.push_back(std::move(row));
  } else {
    *at = std::move(row);
  }
}

void Retire(Rows& rows, Instant now, CertificateState as) {
  for (auto& row : rows) {
    const bool ends = row.state == CertificateState::kActive ||
                      row.state == CertificateState::kPending ||
                      row.state == CertificateState::kReserve ||
                      (row.state == CertificateState::kAborted && as == CertificateState::kRevoked);
    if (row.role != CertificateRole::kServer || !ends) continue;
    row.state = as;
    row.since = now;
  }
}

Rows RowsOf(const keys::BackupContents& backup, Instant now) {
  Rows rows;
  for (const auto& certificate : backup.certificates) {
    const CertificateRole role = RoleOf(certificate, backup);
    const bool is_server = role == CertificateRole::kServer;
    if (is_server && !trust::IdentityOf(certificate)) continue;
    const bool is_past_owner = role == CertificateRole::kOwner && backup.owner_key &&
                               certificate.key() != backup.owner_key->public_key();
    CertificateState state =
        is_server || is_past_owner ? CertificateState::kReplaced : CertificateState::kActive;
    if (is_server && backup.manifest &&
        std::ranges::binary_search(backup.manifest->revoked, certificate.thumbprint())) {
      state = CertificateState::kRevoked;
    }
    PutRow(rows, MakeRow(certificate, role, state, now));
  }
  return rows;
}

}  // namespace countersign::server
