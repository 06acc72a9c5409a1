#pragma once

#include <boost/json/object.hpp>
#include <boost/json/storage_ptr.hpp>
#include <string_view>
#include <vector>

#include "wire/members.h"
#include "wire/messages.h"

// Private to wire/: members that several messages share (protocol sections 5, 6, 11). What Read*
// refuses is told to the reader that it is given.
namespace countersign::wire {

[[nodiscard]] bool IsBase64UrlCharacter(char c);
// IsBase64UrlText: one or more of the characters; whether they decode is not asked.
[[nodiscard]] bool IsBase64UrlText(std::string_view text);
// IsChallenge: 1..128 base64url characters.
[[nodiscard]] bool IsChallenge(std::string_view text);

// CertificateHeader is what the headers of orders and replies name their signer by.
struct CertificateHeader {
  Digest x5t{};
  std::vector<Bytes> x5c;
};
// ReadCertificateHeader reads a whole header of `alg`, `typ`, `x5t#S256` and `x5c`?.
[[nodiscard]] Result<CertificateHeader> ReadCertificateHeader(const boost::json::object& header,
                                                              std::string_view typ);
[[nodiscard]] boost::json::object MakeCertificateHeader(const Digest& x5t,
                                                        const std::vector<Bytes>& x5c,
                                                        std::string_view typ,
                                                        const crypto::Signer& signer,
                                                        boost::json::storage_ptr storage);

// ReadX5c: absent is empty; present it has at least one certificate, each canonical base64.
[[nodiscard]] std::vector<Bytes> ReadX5c(Members& header);
// WriteX5c adds nothing for an empty list.
void WriteX5c(const std::vector<Bytes>& x5c, boost::json::object& header);

[[nodiscard]] Held ReadHeld(Members& payload);
void WriteHeld(const Held& held, boost::json::object& payload);

// WriteObject puts an object that is given as JSON text into a member at depth `depth`; nothing for
// an empty text. kUsage if the text is not one.
[[nodiscard]] Status WriteObject(std::string_view text, std::string_view name, std::size_t depth,
                                 boost::json::object& into);

}  // namespace countersign::wire
