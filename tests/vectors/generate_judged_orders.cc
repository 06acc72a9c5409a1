// Steps 2 to 7 of an order, and step 8: what an agent that has read it answers.
#include "base/encoding.h"
#include "tests/vectors/order_cases.h"

namespace countersign::vectors {
namespace {

namespace json = boost::json;

constexpr std::int64_t kNotAfter = 1'861'920'000;  // of every server certificate here

// An order by another certificate, with a bundle or without.
MessageChange By(OrderCases& cases, std::string certificate, std::string key,
                 std::vector<std::string> bundle) {
  return [&cases, certificate, key, bundle](Message& m) {
    cases.fleet().SignedBy(certificate, key, bundle, m);
  };
}

MessageChange Member(std::string name, json::value value) {
  return [name, value](Message& m) { m.payload[name] = value; };
}

MessageChange Both(MessageChange first, MessageChange second) {
  return [first, second](Message& m) {
    first(m);
    second(m);
  };
}

void AddChallenges(OrderCases& cases) {
  cases.Refused("stale", "challenge of nobody", {}, {.challenges = {}});
  cases.Refused("stale", "challenge with a character more",
                Member("challenge", json::string(std::string(kChallenge) + "A")));
  cases.Refused("stale", "challenge empty", Member("challenge", ""));
  cases.Refused("stale", "challenge of 129 characters",
                Member("challenge", json::string(129, 'A')));
  cases.Begins("challenge of 128 characters", Member("challenge", json::string(128, 'A')),
               {.challenges = {std::string(128, 'A')}});
  cases.Begins("challenge of one character", Member("challenge", "A"), {.challenges = {"A"}});
}

void AddKeys(OrderCases& cases) {
  const auto bundle = [&](std::string name, std::vector<std::string> certificates) {
    return By(cases, std::move(name), "next-server", std::move(certificates));
  };
  cases.Refused("unknown-key", "certificate not held, no bundle", bundle("next", {}));
  cases.Begins("bundle of a newer certificate", bundle("next", {"next", "owner"}), {}, "next");
  cases.Begins("bundle with an owner change",
               bundle("of next owner", {"of next owner", "succession", "owner"}), {},
               "of next owner");
  cases.Begins("bundle beside the certificate held is ignored",
               By(cases, "held", "server", {"held", "other-owner"}));
  cases.Refused("other-owner", "bundle of another owner",
                bundle("of other owner", {"of other owner", "other-owner"}));
  cases.Refused("chain", "bundle without its succession",
                bundle("of next owner", {"of next owner", "owner"}));
  cases.Refused("wrong-server", "bundle for another server",
                bundle("for other server", {"for other server", "owner"}));
  cases.Refused("older-generation", "bundle of an older generation",
                bundle("older", {"older", "owner"}));
  cases.Refused("fork", "bundle of the generation held", bundle("fork", {"fork", "owner"}));
  cases.Refused("older-generation", "the certificate that was held before",
                By(cases, "held", "server", {"held", "owner"}), {.state = "next"});
  cases.Refused("unknown-key", "an agent that has moved on does not know the old key", {},
                {.state = "next"});
}

void AddDistrusted(OrderCases& cases) {
  const World& world = cases.fleet().world();
  const auto distrusting = [](const Digest& digest) { return Context{.distrusted = {digest}}; };
  const Digest held = cases.fleet().table().Thumbprint("held");
  cases.Refused("distrusted", "certificate held is distrusted", {}, distrusting(held));
  cases.Refused("distrusted", "key held is distrusted", {}, distrusting(world.KeyDigest("server")));
  cases.Refused("distrusted", "owner is distrusted", {}, distrusting(world.KeyDigest("owner")));
  cases.Refused("distrusted", "bundle with a distrusted key",
                By(cases, "next", "next-server", {"next", "owner"}),
                distrusting(world.KeyDigest("next-server")));
  cases.Begins("way out: the certificate held is distrusted, the new one is not",
               By(cases, "next", "next-server", {"next", "owner"}), distrusting(held), "next");
}

void AddSignatures(OrderCases& cases) {
  const std::string good = cases.Make({});
  const std::size_t dot = good.rfind('.') + 1;
  const auto bad = [&](std::string_view name, const std::function<void(Bytes&)>& change) {
    Bytes signature = Base64UrlDecode(std::string_view(good).substr(dot)).value();
    change(signature);
    cases.RefusedText("bad-signature", name, good.substr(0, dot) + Base64UrlEncode(signature));
  };
  cases.Refused("bad-signature", "signed by another key",
                [](Message& m) { m.key = "next-server"; });
  cases.Refused("bad-signature", "signed by the owner", [](Message& m) { m.key = "owner"; });
  cases.Refused("bad-signature", "alg of another kind of key",
                [](Message& m) { m.header["alg"] = "ES384"; });
  cases.Refused("bad-signature", "alg RS256 with a key on P-256",
                [](Message& m) { m.header["alg"] = "RS256"; });
  cases.Refused("bad-signature", "bundle, signed by the key held before", [&](Message& m) {
    cases.fleet().SignedBy("next", "next-server", {"next", "owner"}, m);
    m.key = "server";
  });
  bad("one bit of the signature", [](Bytes& s) { s.back() ^= 1; });
  bad("signature one octet short", [](Bytes& s) { s.pop_back(); });
  bad("signature one octet long", [](Bytes& s) { s.push_back(0); });
  bad("signature of zeroes", [](Bytes& s) { std::ranges::fill(s, std::uint8_t{0}); });
  bad("r and s exchanged", [](Bytes& s) { std::rotate(s.begin(), s.begin() + 32, s.end()); });
  const std::string other = cases.Make(Member("act", "pong"));
  cases.RefusedText("bad-signature", "payload of another order",
                    other.substr(0, other.rfind('.')) + good.substr(good.rfind('.')));
  cases.Begins("ES384", By(cases, "P-384", "server-p384", {}), {.state = "P-384"});
  cases.Begins("RS256; an imported identity is named by the id of its key",
               Both(By(cases, "imported", "imported-rsa", {}),
                    Member("iss", json::string(cases.fleet().world().IdOf("imported-rsa").Urn()))),
               {.state = "imported"});
}

void AddNames(OrderCases& cases) {
  const World& world = cases.fleet().world();
  const json::string other_server(world.other_server_id().Urn());
  const json::string other_agent(world.IdOf("other-agent").Urn());
  cases.Refused("wrong-server", "iss is another server", Member("iss", other_server));
  cases.Refused("wrong-server", "iss is named by the certificate but not stored",
                Both(By(cases, "both ids", "server", {}), Member("iss", other_server)),
                {.state = "both ids"});
  cases.Begins("certificate names two servers", By(cases, "both ids", "server", {}),
               {.state = "both ids"});
  cases.Refused("wrong-agent", "aud is another agent", Member("aud", other_agent));
  cases.Refused(
      "wrong-agent", "aud is another agent: a bundle moves nobody",
      Both(By(cases, "next", "next-server", {"next", "owner"}), Member("aud", other_agent)));
  cases.Refused("wrong-agent", "aud is the server",
                Member("aud", json::string(world.server_id().Urn())));
}

void AddDates(OrderCases& cases) {
  const MessageChange newer = By(cases, "next", "next-server", {"next", "owner"});
  cases.Begins("at notAfter", {}, {.clock = kNotAfter});
  cases.Answered("certificate-expired", "a second after notAfter", {}, {.clock = kNotAfter + 1});
  cases.Begins("clock in 1970", {}, {.clock = 0});
  cases.Answered("certificate-expired", "trust moves though the clock stands years ahead", newer,
                 {.clock = kNotAfter + 100'000'000}, "next");
}

// A message that fails two steps is answered for the earlier one.
void AddRanking(OrderCases& cases) {
  const json::string other_server(cases.fleet().world().other_server_id().Urn());
  const json::string other_agent(cases.fleet().world().IdOf("other-agent").Urn());
  const Context stale{.challenges = {}};
  cases.Refused("malformed", "malformed before stale", Member("act", ""), stale);
  cases.Refused("stale", "stale before unknown key", By(cases, "next", "next-server", {}), stale);
  cases.Refused("stale", "stale before bad signature", [](Message& m) { m.key = "agent"; }, stale);
  cases.Refused("unknown-key", "unknown key before bad signature", By(cases, "next", "agent", {}));
  cases.Refused("chain", "rule A before bad signature",
                By(cases, "of next owner", "agent", {"of next owner", "owner"}));
  cases.Refused("distrusted", "distrusted before bad signature",
                [](Message& m) { m.key = "agent"; },
                {.distrusted = {cases.fleet().world().KeyDigest("server")}});
  cases.Refused("bad-signature", "bad signature before wrong server", [&](Message& m) {
    m.key = "agent";
    m.payload["iss"] = other_server;
  });
  cases.Refused("wrong-server", "wrong server before wrong agent",
                Both(Member("iss", other_server), Member("aud", other_agent)));
  cases.Refused("wrong-agent", "wrong agent before expired", Member("aud", other_agent),
                {.clock = kNotAfter + 1});
  cases.Answered("certificate-expired", "expired before done before", {},
                 {.clock = kNotAfter + 1, .memory = {MemoryEntry(kJti, "interrupted")}});
}

json::object Done(std::string_view verdict, json::value result) {
  json::object done;
  done["verdict"] = verdict;
  if (!result.is_null()) done["result"] = std::move(result);
  return done;
}

}  // namespace

void AddJudgedOrders(OrderCases& cases) {
  Fleet& fleet = cases.fleet();
  const World& world = fleet.world();
  CertificateTable& table = fleet.table();
  table.Add("of other owner", world.Server("next-server", "other-owner", kNextGeneration));
  table.Add("for other server",
            world.Server("next-server", "owner", kNextGeneration, {world.other_server_id()}));
  table.Add("older", world.Server("next-server", "owner", kHeldGeneration - 1));
  table.Add("fork", world.Server("next-server", "owner", kHeldGeneration));
  AddChallenges(cases);
  AddKeys(cases);
  AddDistrusted(cases);
  AddSignatures(cases);
  AddNames(cases);
  AddDates(cases);
  AddRanking(cases);
}

void AddRememberedOrders(OrderCases& cases) {
  const MessageChange newer = By(cases, "next", "next-server", {"next", "owner"});
  for (const std::string_view verdict :
       {"done", "failed", "unknown-action", "not-allowed", "bad-warrant"}) {
    const json::object done = Done(verdict, json::object({{"code", 7}}));
    json::object entry = MemoryEntry(kJti, "done");
    for (const auto& [name, value] : done) entry[name] = value;
    cases.Answered("done-before", "ended as " + std::string(verdict), {}, {.memory = {entry}}, "",
                   done);
  }
  json::object bare = MemoryEntry(kJti, "done");
  bare["verdict"] = "done";
  cases.Answered("done-before", "ended without a result", {}, {.memory = {bare}}, "",
                 Done("done", nullptr));
  cases.Answered("running", "still running", {}, {.memory = {MemoryEntry(kJti, "running")}});
  cases.Answered("interrupted", "an earlier process began it", {},
                 {.memory = {MemoryEntry(kJti, "interrupted")}});
  cases.Begins("other orders do not matter", {}, {.memory = {MemoryEntry(kOtherJti, "running")}});
  cases.Answered("busy", "share of the certificate held is full", {}, {.room = "full"});
  cases.Begins("share of an earlier certificate is full", newer, {.room = "full"}, "next");
  cases.Answered("running", "known orders are answered though the share is full", {},
                 {.memory = {MemoryEntry(kJti, "running")}, .room = "full"});
  cases.Answered("cannot-record", "the memory cannot be written", {}, {.room = "unwritable"});
  cases.Answered("interrupted", "trust moves, the order does not run again", newer,
                 {.memory = {MemoryEntry(kJti, "interrupted")}}, "next");
}

}  // namespace countersign::vectors
