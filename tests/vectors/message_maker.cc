#include "tests/vectors/message_maker.h"

#include <boost/json/serialize.hpp>

#include "base/encoding.h"

namespace countersign::vectors {

namespace json = boost::json;

std::string Message::HeaderText() const { return header_text.value_or(json::serialize(header)); }

std::string Message::PayloadText() const { return payload_text.value_or(json::serialize(payload)); }

std::string Message::Sign(const World& world) const {
  return world.Jws(HeaderText(), PayloadText(), key);
}

json::object MemoryEntry(std::string_view jti, std::string_view state) {
  json::object entry;
  entry["jti"] = jti;
  entry["state"] = state;
  return entry;
}

Fleet::Fleet(const World& world) : world_(world) {
  const ServerId id = world.server_id();
  const auto add = [&](const std::string& name, State state) { AddState(name, std::move(state)); };
  table_.Add("owner", world.Owner("owner"));
  table_.Add("other-owner", world.Owner("other-owner"));
  table_.Add("held", world.Server("server", "owner", kHeldGeneration));
  add("held",
      {.certificate = "held", .owner = "owner", .server = id, .generation = kHeldGeneration});
  table_.Add("next", world.Server("next-server", "owner", kNextGeneration));
  add("next", {.certificate = "next",
               .owner = "owner",
               .server = id,
               .generation = kNextGeneration,
               .bundle = {"next", "owner"}});
  table_.Add("of next owner", world.Server("next-server", "next-owner", kNextGeneration));
  table_.Add("succession", world.Succession("next-owner", "owner"));
  add("of next owner", {.certificate = "of next owner",
                        .owner = "next-owner",
                        .server = id,
                        .generation = kNextGeneration,
                        .bundle = {"of next owner", "succession", "owner"}});
  table_.Add("both ids",
             world.Server("server", "owner", kHeldGeneration, {id, world.other_server_id()}));
  add("both ids",
      {.certificate = "both ids", .owner = "owner", .server = id, .generation = kHeldGeneration});
  table_.Add("P-384", world.Server("server-p384", "owner-p384", kHeldGeneration));
  add("P-384",
      {.certificate = "P-384", .owner = "owner-p384", .server = id, .generation = kHeldGeneration});
  testing::ForgedCertificate imported;
  imported.is_ca = std::nullopt;
  imported.key_usage = std::nullopt;
  table_.Add("imported", world.Sign(imported, "imported-rsa", "imported-rsa"));
  add("imported", {.certificate = "imported",
                   .owner = "imported-rsa",
                   .server = world.IdOf("imported-rsa"),
                   .generation = 1'767'225'600});
}

void Fleet::AddState(const std::string& name, State state) {
  states_.emplace(name, std::move(state));
}

json::object Fleet::Held(const std::string& state) const {
  return HeldJson(world_, table_, states_.at(state));
}

json::array Fleet::X5c(const std::vector<std::string>& bundle) const {
  json::array x5c;
  for (const std::string& name : bundle) x5c.emplace_back(Base64Encode(table_.Get(name)));
  return x5c;
}

Message Fleet::NewMessage(std::string_view typ) const {
  Message message{.header = {}, .payload = {}, .key = "server"};
  message.header["alg"] = "ES256";
  message.header["typ"] = typ;
  message.header["x5t#S256"] = Text(table_.Thumbprint("held"));
  message.payload["iss"] = world_.server_id().Urn();
  message.payload["aud"] = world_.IdOf("agent").Urn();
  return message;
}

Message Fleet::Order() const {
  Message order = NewMessage("countersign-order+jwt");
  order.payload["jti"] = kJti;
  order.payload["iat"] = kClock;
  order.payload["challenge"] = kChallenge;
  order.payload["act"] = "ping";
  return order;
}

Message Fleet::Reply() const {
  Message reply = NewMessage("countersign-reply+jwt");
  reply.payload["challenge"] = kChallenge;
  reply.payload["iat"] = kClock;
  reply.payload["nonce"] = "ICEiIyQlJicoKSorLC0uLw";
  reply.payload["interval"] = 3600;
  reply.payload["head"] = "";
  reply.payload["orders"] = json::array();
  return reply;
}

void Fleet::SignedBy(const std::string& certificate, const std::string& key,
                     const std::vector<std::string>& bundle, Message& message) const {
  message.key = key;
  message.header["alg"] = crypto::JwsAlgorithm(world_.Key(key).public_key().kind());
  message.header["x5t#S256"] = Text(table_.Thumbprint(certificate));
  if (!bundle.empty()) message.header["x5c"] = X5c(bundle);
}

json::object Fleet::ContextJson(const Context& context) const {
  json::object out;
  out["state"] = context.state;
  json::array distrusted;
  for (const Digest& digest : context.distrusted) distrusted.emplace_back(Text(digest));
  out["distrusted"] = std::move(distrusted);
  out["clock"] = context.clock;
  out["challenges"] = Names(context.challenges);
  out["memory"] = context.memory;
  out["room"] = context.room;
  return out;
}

void Fleet::Finish(json::object& file) const {
  file["agent"] = world_.IdOf("agent").Urn();
  file["certificates"] = table_.ToJson();
  json::object states;
  for (const auto& [name, state] : states_) states[name] = StateJson(world_, table_, state);
  file["states"] = std::move(states);
}

}  // namespace countersign::vectors
