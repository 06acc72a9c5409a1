#include "wire/compact.h"

#include <boost/json/serialize.hpp>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "wire/json.h"

namespace countersign::wire {
namespace {

std::optional<Algorithm> ParsePlainAlgorithm(std::string_view name) {
  for (const Algorithm algorithm : {Algorithm::kEs256, Algorithm::kEs384, Algorithm::kRs256}) {
    if (name == AlgorithmName(algorithm)) return algorithm;
  }
  return std::nullopt;
}

Result<Algorithm> ReadAlgorithm(const boost::json::object& header) {
  const boost::json::value* value = header.if_contains("alg");
  const boost::json::string* name = value == nullptr ? nullptr : value->if_string();
  if (name == nullptr) return Fail(Code::kMalformed, "JWS header without \"alg\"");
  const auto algorithm = ParsePlainAlgorithm({name->data(), name->size()});
  if (!algorithm) return Fail(Code::kMalformed, "JWS with an \"alg\" that is not taken");
  return *algorithm;
}

}  // namespace

Result<CompactJws> ParseCompact(std::string_view message, boost::json::storage_ptr storage) {
  const std::size_t first = message.find('.');
  const std::size_t last = message.rfind('.');
  if (first == last) return Fail(Code::kMalformed, "not three parts between two dots");
  const auto header = Base64UrlDecode(message.substr(0, first));
  // A third dot would stand in this part, and is not base64url.
  auto payload = Base64UrlDecode(message.substr(first + 1, last - first - 1));
  auto signature = Base64UrlDecode(message.substr(last + 1));
  if (!header || !payload || !signature) {
    return Fail(Code::kMalformed, "not canonical base64url between two dots");
  }
  auto object = ParseJsonObject(AsText(*header), std::move(storage));
  if (!object) return WithContext("JWS header", std::move(object).error());
  const auto algorithm = ReadAlgorithm(*object);
  if (!algorithm) return std::unexpected(algorithm.error());

  const std::string_view signing_input = message.substr(0, last);
  return CompactJws{.envelope = {.algorithm = *algorithm,
                                 .signing_input = std::string(signing_input),
                                 .signature = *std::move(signature),
                                 .oh = crypto::Sha256(AsBytes(signing_input))},
                    .header = *std::move(object),
                    .payload = *std::move(payload)};
}

boost::json::object MakeHeader(const crypto::Signer& signer, std::string_view typ,
                               boost::json::storage_ptr storage) {
  boost::json::object header(std::move(storage));
  header["alg"] = AlgorithmName(PlainAlgorithm(signer.public_key().kind()));
  header["typ"] = typ;
  return header;
}

Result<std::string> SignCompact(const boost::json::object& header,
                                const boost::json::object& payload, const crypto::Signer& signer,
                                std::size_t max_len) {
  std::string message = Base64UrlEncode(AsBytes(boost::json::serialize(header)));
  message += '.';
  message += Base64UrlEncode(AsBytes(boost::json::serialize(payload)));
  // Before the signature is made: a hardware key is slow.
  if (message.size() >= max_len) return Fail(Code::kUsage, "the message is longer than it may be");
  const auto signature = signer.SignJws(AsBytes(message));
  if (!signature) return WithContext("signing a message", signature.error());
  message += '.';
  message += Base64UrlEncode(*signature);
  if (message.size() > max_len) return Fail(Code::kUsage, "the message is longer than it may be");
  return message;
}

}  // namespace countersign::wire
