#include "wire/parts.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "wire/compact.h"
#include "wire/json.h"

namespace countersign::wire {
namespace {

constexpr std::size_t kMaxChallengeLen = 128;
// The length of the message bounds how many certificates there are; rule A judges their number.
constexpr std::size_t kAnyNumber = std::size_t(-1);

}  // namespace

bool IsBase64UrlCharacter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

bool IsBase64UrlText(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsBase64UrlCharacter);
}

bool IsChallenge(std::string_view text) {
  return text.size() <= kMaxChallengeLen && IsBase64UrlText(text);
}

Result<CertificateHeader> ReadCertificateHeader(const boost::json::object& header,
                                                std::string_view typ) {
  Members members(header, typ);
  members.Ignore("alg");  // ParseCompact has read it
  members.ExpectText("typ", typ);
  CertificateHeader out{.x5t = members.Octets32("x5t#S256"), .x5c = ReadX5c(members)};
  if (!out.x5c.empty() && crypto::Sha256(out.x5c.front()) != out.x5t) {
    members.Refuse("x5t#S256", "is not the SHA-256 of the first certificate in \"x5c\"");
  }
  COUNTERSIGN_RETURN_IF_ERROR(members.Finish());
  return out;
}

boost::json::object MakeCertificateHeader(const Digest& x5t, const std::vector<Bytes>& x5c,
                                          std::string_view typ, const crypto::Signer& signer,
                                          boost::json::storage_ptr storage) {
  boost::json::object header = MakeHeader(signer, typ, std::move(storage));
  header["x5t#S256"] = Base64UrlEncode(x5t);
  WriteX5c(x5c, header);
  return header;
}

std::vector<Bytes> ReadX5c(Members& header) {
  std::vector<Bytes> x5c;
  if (!header.Has("x5c")) return x5c;
  const auto list = header.Array("x5c", kAnyNumber);
  if (list.empty()) header.Refuse("x5c", "has no certificate");
  x5c.reserve(list.size());
  for (const boost::json::value& entry : list) {
    const boost::json::string* text = entry.if_string();
    auto der =
        text == nullptr ? std::nullopt : Base64Decode(std::string_view(text->data(), text->size()));
    if (!der) {
      header.Refuse("x5c", "has an entry that is not canonical base64");
      return {};
    }
    x5c.push_back(*std::move(der));
  }
  return x5c;
}

void WriteX5c(const std::vector<Bytes>& x5c, boost::json::object& header) {
  if (x5c.empty()) return;
  boost::json::array& list = header["x5c"].emplace_array();
  list.reserve(x5c.size());
  for (const Bytes& der : x5c) list.emplace_back(Base64Encode(der));
}

Held ReadHeld(Members& payload) {
  Members members(payload.Object("held"), "held");
  Held held{.thumbprint = members.Octets32("x5t#S256"),
            .generation = members.Integer("generation", 1, kMaxInteger),
            .owner = members.Octets32("owner"),
            .server = members.Urn("server")};
  payload.Adopt(members.Finish());
  return held;
}

void WriteHeld(const Held& held, boost::json::object& payload) {
  boost::json::object& object = payload["held"].emplace_object();
  object["x5t#S256"] = Base64UrlEncode(held.thumbprint);
  object["generation"] = held.generation;
  object["owner"] = Base64UrlEncode(held.owner);
  object["server"] = held.server.Urn();
}

Status WriteObject(std::string_view text, std::string_view name, std::size_t depth,
                   boost::json::object& into) {
  if (text.empty()) return {};
  auto object = ParseJsonObject(text, into.storage(), depth);
  if (!object) return Fail(Code::kUsage, std::string(name) + ": " + object.error().message);
  into[name] = *std::move(object);
  return {};
}

}  // namespace countersign::wire
