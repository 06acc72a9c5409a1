#include <boost/json/serialize.hpp>

#include "tests/vectors/generate.h"
#include "tests/vectors/message_maker.h"

namespace countersign::vectors {
namespace {

namespace json = boost::json;

constexpr std::int64_t kNotAfter = 1'861'920'000;

class ReplyCases {
 public:
  explicit ReplyCases(const Fleet& fleet) : fleet_(fleet) {}

  // Passes steps 1 to 7; `orders`: what becomes of each order in it.
  void Passes(std::string_view name, const MessageChange& change, const json::array& orders = {},
              const Context& context = {}, const std::string& state_after = "") {
    const Message reply = Made(change);
    json::object& one = Add(name, "passes", true, context, state_after, reply);
    json::object& expect = one["expect"].get_object();
    expect["orders"] = orders;
    one["payload"] = reply.payload;
  }
  void Refused(std::string_view verdict, std::string_view name, const MessageChange& change,
               const Context& context = {}) {
    Add(name, verdict, false, context, "", Made(change));
  }
  void Malformed(std::string_view name, std::string member, const json::value& value) {
    Refused("malformed", name, [&](Message& m) { m.payload[member] = value; });
  }
  void Expired(std::string_view name, const MessageChange& change, const Context& context,
               const std::string& state_after) {
    Add(name, "certificate-expired", true, context, state_after, Made(change));
  }
  [[nodiscard]] const Fleet& fleet() const { return fleet_; }
  [[nodiscard]] json::array Take() { return std::move(cases_); }

 private:
  [[nodiscard]] Message Made(const MessageChange& change) const {
    Message reply = fleet_.Reply();
    if (change) change(reply);
    return reply;
  }
  json::object& Add(std::string_view name, std::string_view verdict, bool challenge_used,
                    const Context& context, const std::string& state_after, const Message& reply) {
    json::object one;
    one["name"] = name;
    for (auto& [member, value] : fleet_.ContextJson(context)) one[member] = value;
    one["reply"] = reply.Sign(fleet_.world());
    json::object& expect = one["expect"].emplace_object();
    expect["verdict"] = verdict;
    expect["challenge_used"] = challenge_used;
    expect["held"] = fleet_.Held(state_after.empty() ? context.state : state_after);
    return cases_.emplace_back(std::move(one)).get_object();
  }

  const Fleet& fleet_;
  json::array cases_;
};

json::object Outcome(std::string_view verdict) { return {{"verdict", json::string(verdict)}}; }

void AddForms(ReplyCases& cases) {
  cases.Passes("a reply", {});
  cases.Passes("every optional member", [](Message& m) {
    m.payload["head"] = "some history";
    m.payload["jump"] = 4096;
    m.payload["want"] = "bundle";
    m.payload["accepted"] = true;
    m.payload["web"] = json::array(4, json::value(json::string(43, 'A')));
    m.payload["wait"] = 240;
  });
  cases.Passes("interval 60", [](Message& m) { m.payload["interval"] = 60; });
  cases.Passes("interval 86400", [](Message& m) { m.payload["interval"] = 86'400; });
  for (const std::string_view member :
       {"iss", "aud", "challenge", "iat", "nonce", "interval", "head", "orders"}) {
    cases.Refused("malformed", "without " + std::string(member),
                  [&](Message& m) { m.payload.erase(member); });
  }
  cases.Malformed("interval 59", "interval", 59);
  cases.Malformed("interval 86401", "interval", 86'401);
  cases.Malformed("accepted: false", "accepted", false);
  cases.Malformed("web: none", "web", json::array());
  cases.Malformed("web: five", "web", json::array(5, json::value(json::string(43, 'A'))));
  cases.Malformed("web: 42 characters", "web", json::array(1, json::value(json::string(42, 'A'))));
  cases.Malformed("wait 0", "wait", 0);
  cases.Malformed("wait 241", "wait", 241);
  cases.Malformed("want: something else", "want", "orders");
  cases.Malformed("jump: null", "jump", nullptr);
  cases.Malformed("nonce of 15 octets", "nonce", "ICEiIyQlJicoKSorLC0u");
  cases.Malformed("unknown member", "note", "");
  cases.Malformed("orders: 17", "orders", json::array(17, json::value("a.b.c")));
  cases.Malformed("orders: not strings", "orders", json::array(1, json::value(1)));
  cases.Refused("malformed", "typ of an order",
                [](Message& m) { m.header["typ"] = "countersign-order+jwt"; });
}

void AddJudged(ReplyCases& cases) {
  const Fleet& fleet = cases.fleet();
  const World& world = fleet.world();
  const auto newer = [&](Message& m) {
    fleet.SignedBy("next", "next-server", {"next", "owner"}, m);
  };
  cases.Refused("stale", "challenge of another report", {}, {.challenges = {"other"}});
  cases.Refused("unknown-key", "certificate not held",
                [&](Message& m) { fleet.SignedBy("next", "next-server", {}, m); });
  cases.Passes("newer certificate with its bundle", newer, {}, {}, "next");
  cases.Passes(
      "owner change",
      [&](Message& m) {
        fleet.SignedBy("of next owner", "next-server", {"of next owner", "succession", "owner"}, m);
      },
      {}, {}, "of next owner");
  cases.Refused("chain", "bundle without its succession", [&](Message& m) {
    fleet.SignedBy("of next owner", "next-server", {"of next owner", "owner"}, m);
  });
  cases.Refused("distrusted", "key held is distrusted", {},
                {.distrusted = {world.KeyDigest("server")}});
  cases.Refused("bad-signature", "signed by another key",
                [](Message& m) { m.key = "next-server"; });
  cases.Refused("wrong-server", "iss is another server",
                [&](Message& m) { m.payload["iss"] = world.other_server_id().Urn(); });
  cases.Refused("wrong-agent", "aud is another agent",
                [&](Message& m) { m.payload["aud"] = world.IdOf("other-agent").Urn(); });
  cases.Expired("certificate expired", {}, {.clock = kNotAfter + 1}, "");
  cases.Expired("trust moves though the certificate has expired", newer, {.clock = kNotAfter + 1},
                "next");
}

// Orders within: fresh by the challenge of their reply, otherwise judged like any.
void AddOrders(ReplyCases& cases) {
  const Fleet& fleet = cases.fleet();
  const auto order = [&](std::string_view jti, const MessageChange& change = {}) {
    Message message = fleet.Order();
    message.payload["jti"] = jti;
    if (change) change(message);
    return json::string(message.Sign(fleet.world()));
  };
  const auto with = [](json::array orders) {
    return [orders](Message& m) { m.payload["orders"] = orders; };
  };
  const auto other_challenge = [](Message& m) { m.payload["challenge"] = "AAAA"; };
  cases.Passes("two orders", with({order(kJti), order(kOtherJti)}),
               {Outcome("begins"), Outcome("begins")});
  cases.Passes("the same order twice", with({order(kJti), order(kJti)}),
               {Outcome("begins"), Outcome("running")});
  cases.Passes("order with another challenge", with({order(kJti, other_challenge)}),
               {Outcome("stale")});
  cases.Passes("order with another challenge, though the agent would take that one",
               with({order(kJti, other_challenge)}), {Outcome("stale")},
               {.challenges = {std::string(kChallenge), "AAAA"}});
  cases.Passes("what is no order, before one", with({json::string("a.b.c"), order(kJti)}),
               {Outcome("malformed"), Outcome("begins")});
  cases.Passes(
      "order for another agent",
      with({order(
          kJti, [&](Message& m) { m.payload["aud"] = fleet.world().IdOf("other-agent").Urn(); })}),
      {Outcome("wrong-agent")});
  cases.Passes(
      "order by the certificate that the reply brought",
      [&](Message& m) {
        fleet.SignedBy("next", "next-server", {"next", "owner"}, m);
        m.payload["orders"] = {
            order(kJti, [&](Message& o) { fleet.SignedBy("next", "next-server", {}, o); })};
      },
      {Outcome("begins")}, {}, "next");
  cases.Passes(
      "order by the certificate that the reply replaced",
      [&](Message& m) {
        fleet.SignedBy("next", "next-server", {"next", "owner"}, m);
        m.payload["orders"] = {order(kJti)};
      },
      {Outcome("unknown-key")}, {}, "next");
  cases.Passes("16 orders", with(json::array(16, order(kJti))), [] {
    json::array outcomes(16, Outcome("running"));
    outcomes[0] = Outcome("begins");
    return outcomes;
  }());
}

}  // namespace

json::object MakeReplies(const World& world) {
  json::object file = NewFile(
      "How an agent takes the reply to its report, and the orders in it (protocol sections 5, 6).");
  const Fleet fleet(world);
  ReplyCases cases(fleet);
  AddForms(cases);
  AddJudged(cases);
  AddOrders(cases);
  fleet.Finish(file);
  file["cases"] = cases.Take();
  return file;
}

}  // namespace countersign::vectors
