#include "tests/vectors/agent_messages.h"

#include "crypto/hash.h"

namespace countersign::vectors {

namespace json = boost::json;

json::object SampleHeld(const World& world) {
  json::object held;
  held["x5t#S256"] = Text(crypto::Sha256(AsBytes("a certificate")));
  held["generation"] = kHeldGeneration;
  held["owner"] = Text(world.KeyDigest("owner"));
  held["server"] = world.server_id().Urn();
  return held;
}

Message AgentMessageCases::Add(std::string_view name, std::string_view expect,
                               const MessageChange& change) {
  Message message = good_;
  if (change) change(message);
  json::object one;
  one["name"] = name;
  one[member_] = message.Sign(world_);
  one["expect"] = expect;
  cases_.push_back(std::move(one));
  return message;
}

void AgentMessageCases::Valid(std::string_view name, const MessageChange& change) {
  const Message message = Add(name, "valid", change);
  cases_.back().get_object()["payload"] = message.payload;
}

void AgentMessageCases::Malformed(std::string_view name, const MessageChange& change) {
  (void)Add(name, "malformed", change);
}

void AgentMessageCases::MalformedMember(std::string_view name, std::string_view member,
                                        const json::value& value) {
  Malformed(name, [&](Message& m) { m.payload[member] = value; });
}

void AgentMessageCases::BadSignature(std::string_view name, const MessageChange& change) {
  (void)Add(name, "bad-signature", change);
}

}  // namespace countersign::vectors
