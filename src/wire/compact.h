#pragma once

#include <boost/json/object.hpp>
#include <boost/json/storage_ptr.hpp>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/keys.h"
#include "wire/jws.h"

// Private to wire/: what all messages share of RFC 7515.
namespace countersign::wire {

// CompactJws is a JWS compact serialisation taken apart. Nothing in it is verified.
struct CompactJws {
  Envelope envelope;
  boost::json::object header;
  Bytes payload;
};

// ParseCompact reads three parts of canonical base64url between exactly two dots, of which the
// first is a JSON object with one of the plain `alg` names. kMalformed otherwise, also for the
// batch forms, which this version does not take (section 7). The header lives in `storage`.
// REQUIRES: the caller has bounded the length of `message`. Caller must still: read `typ` and every
// other header member.
[[nodiscard]] Result<CompactJws> ParseCompact(std::string_view message,
                                              boost::json::storage_ptr storage);

// MakeHeader begins a header: `alg` as the signer's key allows it, and `typ`.
[[nodiscard]] boost::json::object MakeHeader(const crypto::Signer& signer, std::string_view typ,
                                             boost::json::storage_ptr storage);

// SignCompact signs header and payload. kUsage if the message is longer than `max_len`, otherwise
// as the signer fails.
[[nodiscard]] Result<std::string> SignCompact(const boost::json::object& header,
                                              const boost::json::object& payload,
                                              const crypto::Signer& signer, std::size_t max_len);

}  // namespace countersign::wire
