#include "trust/identity.h"

#include <algorithm>

namespace countersign::trust {
namespace {

// An imported identity: one self-signed certificate whose key is server key and owner key in one.
Identity ImportedIdentity(const crypto::Certificate& certificate) {
  Identity identity{.owner = certificate.key().digest(),
                    .server_ids = certificate.server_ids(),
                    .generation = certificate.generation().value_or(0),
                    .self_signed = true};
  if (certificate.server_ids().empty() || !certificate.generation()) {
    identity.server_ids = {Uuid::FromDigest(certificate.key().digest())};
    identity.generation =
        static_cast<std::uint64_t>(std::max<std::int64_t>(1, ToUnix(certificate.not_before())));
  }
  return identity;
}

}  // namespace

bool Identity::Names(const ServerId& server) const {
  return std::find(server_ids.begin(), server_ids.end(), server) != server_ids.end();
}

Result<Identity> IdentityOf(const crypto::Certificate& certificate) {
  if (certificate.IsSignedBy(certificate.key())) return ImportedIdentity(certificate);
  const auto refuse = [&](std::string_view what) {
    return Fail(Code::kRefused, "certificate " + certificate.serial() + " (" +
                                    certificate.subject() +
                                    ") cannot be a server certificate: " + std::string(what));
  };
  const auto& owner = certificate.authority_key_id();
  const auto& generation = certificate.generation();
  if (certificate.is_ca()) return refuse("it is a CA certificate that another key signed");
  if (!owner) {
    return refuse("its authority key identifier is not the 32-byte digest of an owner key");
  }
  if (certificate.server_ids().empty()) return refuse("it names no server id (SAN urn:uuid:…)");
  if (!generation) return refuse("it has no generation (dnQualifier)");
  return Identity{.owner = *owner,
                  .server_ids = certificate.server_ids(),
                  .generation = *generation,
                  .self_signed = false};
}

}  // namespace countersign::trust
