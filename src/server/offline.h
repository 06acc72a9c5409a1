#pragma once

#include <string>

#include "crypto/pkcs12.h"
#include "server/issuing.h"
#include "wire/owner_request.h"

// A replacement whose owner's part is done on another machine (protocol section 9): the server asks
// for certificates for keys of its own, the owner signs where the thief of the server cannot watch,
// and the server installs the answer. Neither side needs the other's secrets.
namespace countersign::server {

// MakeOwnerRequest draws the keys of the next pair into the ring, notes the request in the registry
// and returns it; one made earlier is void. kRefused: a follower, the clock, or an imported
// identity without an owner key, whose only key is this server's. kNotFound: no certificate yet.
[[nodiscard]] Result<wire::OwnerRequest> MakeOwnerRequest(World& world,
                                                          const store::ServerConfig& config,
                                                          const ReplaceOptions& options,
                                                          Instant now);

// OwnerSignature is what SignOwnerRequest makes.
struct OwnerSignature {
  wire::OwnerAnswer answer;
  crypto::Certificate active;
  crypto::Certificate reserve;
};
struct SignOptions {
  ClockIsRight clock = ClockIsRight::kNo;
  int backup_iterations = crypto::kPkcs12Iterations;  // as in World
};
// SignOwnerRequest is the owner's part, with the automatic backup and its password; it needs no
// server. A person has compared the request with a server known to be clean before. kRefused: not
// this owner's, a server id that the backup does not hold, a generation that the backup has seen
// already, or, unless the clock is said to be right, one more than a day ahead of it.
[[nodiscard]] Result<OwnerSignature> SignOwnerRequest(const wire::OwnerRequest& request,
                                                      ByteView backup, const SecretBytes& password,
                                                      const SignOptions& options,
                                                      RandomSource& random, Instant now);

// InstallOwnerAnswer makes the answer's certificates those in use, if they are what the outstanding
// request asked for and an agent that holds the present one accepts them; the old ones end as
// replaced or revoked, as the request said. The automatic backup that it brings takes the place of
// the present one, which is kept. kNotFound: no request is outstanding; kRefused, with what
// differs.
[[nodiscard]] Result<Issued> InstallOwnerAnswer(World& world, const wire::OwnerAnswer& answer,
                                                Instant now);

}  // namespace countersign::server
