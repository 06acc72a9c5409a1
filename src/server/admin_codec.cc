#include "server/admin_codec.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <utility>

namespace countersign::server {

Result<AdminMessage> DecodeAdmin(net::ControlMessage message) {
  boost::json::parse_options options;
  options.max_depth = 8;
  boost::system::error_code failed;
  auto value = boost::json::parse(message.json, failed, {}, options);
  if (failed || !value.is_object()) return Fail(Code::kMalformed, "no JSON object");
  return AdminMessage{std::move(value.get_object()), std::move(message.secrets),
                      std::move(message.blobs)};
}

net::ControlMessage EncodeAdmin(AdminMessage message) {
  return {boost::json::serialize(message.json), std::move(message.secrets),
          std::move(message.blobs)};
}

}  // namespace countersign::server
