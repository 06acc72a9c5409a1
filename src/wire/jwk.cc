#include "wire/jwk.h"

#include <utility>

#include "base/encoding.h"
#include "wire/members.h"

namespace countersign::wire {

Result<crypto::PublicKey> ReadJwk(const boost::json::object& object) {
  Members members(object, "jwk");
  members.ExpectText("kty", "EC");
  members.ExpectText("crv", "P-256");
  const auto x = members.Octets32("x");
  const auto y = members.Octets32("y");
  COUNTERSIGN_RETURN_IF_ERROR(members.Finish());
  return crypto::PublicKey::FromP256(x, y);
}

boost::json::object MakeJwk(const crypto::PublicKey& key, boost::json::storage_ptr storage) {
  const auto point = key.P256Coordinates();
  boost::json::object jwk(std::move(storage));
  jwk["kty"] = "EC";
  jwk["crv"] = "P-256";
  jwk["x"] = Base64UrlEncode(ByteView(point).first<32>());
  jwk["y"] = Base64UrlEncode(ByteView(point).last<32>());
  return jwk;
}

}  // namespace countersign::wire
