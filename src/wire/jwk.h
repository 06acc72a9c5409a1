#pragma once

#include <boost/json/object.hpp>
#include <boost/json/storage_ptr.hpp>

#include "base/error.h"
#include "crypto/keys.h"

// Agent keys as JSON Web Keys (RFC 7517, RFC 7518 section 6.2): kty, crv, x and y, nothing else.
namespace countersign::wire {

// ReadJwk is for untrusted objects: kMalformed names the member that is missing, unknown or wrong,
// or says that the point is not on the curve.
[[nodiscard]] Result<crypto::PublicKey> ReadJwk(const boost::json::object& object);

// MakeJwk. REQUIRES: the key is P-256.
[[nodiscard]] boost::json::object MakeJwk(const crypto::PublicKey& key,
                                          boost::json::storage_ptr storage = {});

}  // namespace countersign::wire
