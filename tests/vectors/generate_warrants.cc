#include <functional>
#include <vector>

#include "base/encoding.h"
#include "tests/vectors/generate.h"
#include "tests/vectors/message_maker.h"

namespace countersign::vectors {
namespace {

namespace json = boost::json;

constexpr std::int64_t kDay = 86'400;

// The agent's side of a case.
struct Here {
  std::string state = "held";
  std::int64_t clock = kClock;
  std::string act = "unlock";
  std::vector<std::string> spent = {};
};

class WarrantCases {
 public:
  explicit WarrantCases(const World& world) : world_(world), fleet_(world) {}

  [[nodiscard]] Message Unlock() const {
    Message warrant{.header = {}, .payload = {}, .key = "owner"};
    warrant.header["alg"] = "ES256";
    warrant.header["typ"] = "countersign-warrant+jwt";
    warrant.header["x5c"] = fleet_.X5c({"owner"});
    warrant.payload["jti"] = kJti;
    warrant.payload["iat"] = kClock - kDay;
    warrant.payload["exp"] = kClock + kDay;
    warrant.payload["server"] = world_.server_id().Urn();
    warrant.payload["act"] = "unlock";
    warrant.payload["agents"] = json::array({world_.IdOf("agent").Urn()});
    return warrant;
  }
  [[nodiscard]] Message Move() const {
    Message warrant = Unlock();
    warrant.payload["act"] = "move";
    warrant.payload["agents"] = "all";
    json::object target;
    target["server"] = world_.other_server_id().Urn();
    target["owner"] = Text(world_.KeyDigest("other-owner"));
    target["generation"] = kNextGeneration;
    target["addresses"] = json::array({"https://server.example:4343"});
    warrant.payload["target"] = std::move(target);
    return warrant;
  }
  void Taken(std::string_view name, const Message& warrant, const Here& here = {}) {
    json::object one = Case(name, warrant, here, "taken");
    one["payload"] = warrant.payload;
    cases_.push_back(std::move(one));
  }
  void Bad(std::string_view name, const Message& warrant, const Here& here = {}) {
    cases_.push_back(Case(name, warrant, here, "bad-warrant"));
  }
  void Bad(std::string_view name, const MessageChange& change, const Here& here = {}) {
    Message warrant = here.act == "move" ? Move() : Unlock();
    change(warrant);
    Bad(name, warrant, here);
  }
  void BadMove(std::string_view name, const MessageChange& change) {
    Bad(name, change, {.act = "move"});
  }
  [[nodiscard]] json::object Finish() {
    json::object file = NewFile(
        "Which warrants an agent takes for which act (protocol section 8). The reasons are in the "
        "names.");
    file["cases"] = std::move(cases_);
    fleet_.Finish(file);
    return file;
  }
  [[nodiscard]] const World& world() const { return world_; }
  [[nodiscard]] const Fleet& fleet() const { return fleet_; }

 private:
  [[nodiscard]] json::object Case(std::string_view name, const Message& warrant, const Here& here,
                                  std::string_view expect) const {
    json::object one;
    one["name"] = name;
    one["state"] = here.state;
    one["clock"] = here.clock;
    one["act"] = here.act;
    one["spent"] = Names(here.spent);
    one["warrant"] = warrant.Sign(world_);
    one["expect"] = expect;
    return one;
  }

  const World& world_;
  Fleet fleet_;
  json::array cases_;
};

void AddTaken(WarrantCases& cases) {
  const World& world = cases.world();
  cases.Taken("unlock", cases.Unlock());
  cases.Taken("move, all agents", cases.Move(), {.act = "move"});
  Message named = cases.Move();
  named.payload["agents"] =
      json::array({world.IdOf("other-agent").Urn(), world.IdOf("agent").Urn()});
  cases.Taken("move, this agent among those named", named, {.act = "move"});
  Message addresses = cases.Move();
  json::array most(16, json::value(std::string(64, 'a')));
  addresses.payload["target"].as_object()["addresses"] = std::move(most);
  cases.Taken("16 addresses of 64 octets", addresses, {.act = "move"});
  Message longest = cases.Unlock();
  longest.payload["exp"] = kClock - kDay + 30 * kDay;
  cases.Taken("good for 30 days", longest);
  cases.Taken("in its last second", cases.Unlock(), {.clock = kClock + kDay - 1});
  cases.Taken("the agent's clock stands in 1970", cases.Unlock(), {.clock = 0});
  cases.Taken("another one was used up", cases.Unlock(), {.spent = {std::string(kOtherJti)}});
  Message p384 = cases.Unlock();
  p384.key = "owner-p384";
  p384.header["alg"] = "ES384";
  p384.header["x5c"] = json::array({Base64Encode(world.Owner("owner-p384"))});
  cases.Taken("P-384 owner", p384, {.state = "P-384"});
  Message imported = cases.Unlock();
  imported.key = "imported-rsa";
  imported.header["alg"] = "RS256";
  imported.header["x5c"] = cases.fleet().X5c({"imported"});
  imported.payload["server"] = world.IdOf("imported-rsa").Urn();
  cases.Taken("imported identity, whose owner key is its server key", imported,
              {.state = "imported"});
  Message carrier = cases.Unlock();
  carrier.header["x5c"] = json::array({Base64Encode(world.Succession("owner", "next-owner"))});
  cases.Taken("another certificate of the owner's key: only the key is read", carrier);
}

void AddOfOthers(WarrantCases& cases) {
  const World& world = cases.world();
  cases.Bad("of another owner", [&](Message& m) {
    m.key = "other-owner";
    m.header["x5c"] = cases.fleet().X5c({"other-owner"});
  });
  cases.Bad("of the server key, with the server's certificate", [&](Message& m) {
    m.key = "server";
    m.header["x5c"] = cases.fleet().X5c({"held"});
  });
  cases.Bad("of the server key, with the owner's certificate",
            [](Message& m) { m.key = "server"; });
  cases.Bad("of the next owner, whom this agent does not follow yet", [&](Message& m) {
    m.key = "next-owner";
    m.header["x5c"] = json::array({Base64Encode(world.Succession("next-owner", "owner"))});
  });
  cases.Bad("of the owner before, whom this agent follows no more", cases.Unlock(),
            {.state = "of next owner"});
  cases.Bad("for another server",
            [&](Message& m) { m.payload["server"] = world.other_server_id().Urn(); });
  cases.Bad("for a server id that the certificate names beside the stored one",
            [&](Message& m) { m.payload["server"] = world.other_server_id().Urn(); },
            {.state = "both ids"});
  cases.Bad("for another agent", [&](Message& m) {
    m.payload["agents"] = json::array({world.IdOf("other-agent").Urn()});
  });
  cases.Bad(
      "move, this agent is not among those named",
      [&](Message& m) { m.payload["agents"] = json::array({world.IdOf("other-agent").Urn()}); },
      {.act = "move"});
  cases.Bad("unlock does not move", cases.Unlock(), {.act = "move"});
  cases.Bad("move does not unlock", cases.Move());
  cases.Bad("run out this second", cases.Unlock(), {.clock = kClock + kDay});
  cases.Bad("run out long ago", cases.Unlock(), {.clock = kClock + 1000 * kDay});
  cases.Bad("used up", cases.Unlock(), {.spent = {std::string(kOtherJti), std::string(kJti)}});
  cases.Bad("certificate that cannot be read",
            [](Message& m) { m.header["x5c"] = json::array({"MAA="}); });
}

void AddMalformed(WarrantCases& cases) {
  const std::string agent = cases.world().IdOf("agent").Urn();
  const std::string other = cases.world().IdOf("other-agent").Urn();
  for (const std::string_view member : {"jti", "iat", "exp", "server", "act", "agents"}) {
    cases.Bad("without " + std::string(member), [&](Message& m) { m.payload.erase(member); });
  }
  for (const std::string_view member : {"alg", "typ", "x5c"}) {
    cases.Bad("without " + std::string(member), [&](Message& m) { m.header.erase(member); });
  }
  cases.Bad("unknown member", [](Message& m) { m.payload["note"] = ""; });
  cases.Bad("unknown member of the header", [](Message& m) { m.header["kid"] = "owner"; });
  cases.Bad("typ of an order", [](Message& m) { m.header["typ"] = "countersign-order+jwt"; });
  cases.Bad("two certificates",
            [&](Message& m) { m.header["x5c"] = cases.fleet().X5c({"owner", "owner"}); });
  cases.Bad("no certificate", [](Message& m) { m.header["x5c"] = json::array(); });
  cases.Bad("alg of another key", [](Message& m) { m.header["alg"] = "ES384"; });
  cases.Bad("alg none", [](Message& m) { m.header["alg"] = "none"; });
  cases.Bad("act that the protocol does not have", [](Message& m) { m.payload["act"] = "stop"; });
  cases.Bad("good for 30 days and a second",
            [](Message& m) { m.payload["exp"] = kClock - kDay + 30 * kDay + 1; });
  cases.Bad("ends as it begins", [](Message& m) { m.payload["iat"] = m.payload["exp"]; });
  cases.Bad("unlock for all", [](Message& m) { m.payload["agents"] = "all"; });
  cases.Bad("unlock for two",
            [&](Message& m) { m.payload["agents"] = json::array({agent, other}); });
  cases.Bad("unlock with a target",
            [&](Message& m) { m.payload["target"] = cases.Move().payload["target"]; });
  cases.Bad("agents null", [](Message& m) { m.payload["agents"] = nullptr; });
  cases.BadMove("move for nobody", [](Message& m) { m.payload["agents"] = json::array(); });
  cases.BadMove("move for another word", [](Message& m) { m.payload["agents"] = "some"; });
  cases.BadMove("move for one twice",
                [&](Message& m) { m.payload["agents"] = json::array({agent, agent}); });
  cases.BadMove("agents without urn:uuid:", [&](Message& m) {
    m.payload["agents"] = json::array({std::string_view(agent).substr(9)});
  });
  cases.BadMove("move without a target", [](Message& m) { m.payload.erase("target"); });
  for (const std::string_view member : {"server", "owner", "generation", "addresses"}) {
    cases.BadMove("target without " + std::string(member),
                  [&](Message& m) { m.payload["target"].as_object().erase(member); });
  }
  const auto target = [&](std::string_view name, std::string_view member,
                          const json::value& value) {
    cases.BadMove(name, [&](Message& m) { m.payload["target"].as_object()[member] = value; });
  };
  target("target with an unknown member", "port", 1);
  target("target of generation 0", "generation", 0);
  target("target without any address", "addresses", json::array());
  target("address of 65 octets", "addresses", json::array({std::string(65, 'a')}));
  target("17 addresses", "addresses", json::array(17, json::value("a")));
  target("address with a control character", "addresses", json::array({"a\nb"}));
}

}  // namespace

json::object MakeWarrants(const World& world) {
  WarrantCases cases(world);
  AddTaken(cases);
  AddOfOthers(cases);
  AddMalformed(cases);
  return cases.Finish();
}

}  // namespace countersign::vectors
