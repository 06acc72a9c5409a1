#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "tests/vectors/agent_messages.h"
#include "tests/vectors/generate.h"

namespace countersign::vectors {
namespace {

namespace json = boost::json;

Message Receipt(const World& world) {
  Message receipt{.header = {}, .payload = {}, .key = "agent"};
  receipt.header["alg"] = "ES256";
  receipt.header["typ"] = "countersign-receipt+jwt";
  receipt.payload["iss"] = world.IdOf("agent").Urn();
  receipt.payload["aud"] = world.server_id().Urn();
  receipt.payload["order"] = kJti;
  receipt.payload["oh"] = Text(crypto::Sha256(AsBytes("signing input of the order")));
  receipt.payload["verdict"] = "done";
  receipt.payload["held"] = SampleHeld(world);
  receipt.payload["time"] = kClock;
  receipt.payload["seq"] = 1025;
  receipt.payload["instance"] = "MDEyMzQ1Njc4OTo7PD0-Pw";
  return receipt;
}

void AddValid(AgentMessageCases& cases) {
  cases.Valid("done", {});
  cases.Valid("done with a result", [](Message& m) {
    m.payload["result"] = json::object({{"code", 0}, {"text", "ok"}});
  });
  for (const std::string_view verdict :
       {"malformed",        "stale",          "unknown-key",
        "other-owner",      "chain",          "wrong-server",
        "older-generation", "fork",           "distrusted",
        "bad-signature",    "wrong-agent",    "certificate-expired",
        "running",          "interrupted",    "busy",
        "cannot-record",    "unknown-action", "not-allowed",
        "bad-warrant",      "failed"}) {
    cases.Valid(verdict, [&](Message& m) { m.payload["verdict"] = verdict; });
  }
  cases.Valid("done-before", [](Message& m) {
    m.payload["verdict"] = "done-before";
    m.payload["earlier"] =
        json::object({{"verdict", "failed"}, {"result", json::object({{"code", 1}})}});
  });
  cases.Valid("done-before without a result", [](Message& m) {
    m.payload["verdict"] = "done-before";
    m.payload["earlier"] = json::object({{"verdict", "done"}});
  });
  cases.Valid("order: null", [](Message& m) {
    m.payload["order"] = nullptr;
    m.payload["verdict"] = "malformed";
  });
  cases.Valid("result of 4096 octets", [](Message& m) {
    m.payload["result"] = json::object({{"a", json::string(4096 - 8, 'x')}});
  });
}

void AddMalformed(AgentMessageCases& cases) {
  for (const std::string_view member :
       {"iss", "aud", "order", "oh", "verdict", "held", "time", "seq", "instance"}) {
    cases.Malformed("without " + std::string(member), [&](Message& m) { m.payload.erase(member); });
  }
  cases.MalformedMember("unknown member", "note", "");
  cases.MalformedMember("verdict that the protocol does not have", "verdict", "ok");
  cases.MalformedMember("seq 0", "seq", 0);
  cases.MalformedMember("time negative", "time", -1);
  cases.MalformedMember("oh too short", "oh", "AAAA");
  cases.MalformedMember("order of another form", "order", "1");
  cases.MalformedMember("result a string", "result", "ok");
  cases.MalformedMember("result null", "result", nullptr);
  cases.MalformedMember("result of 4097 octets", "result",
                        json::object({{"a", json::string(4097 - 8, 'x')}}));
  for (const std::string_view member : {"x5t#S256", "generation", "owner", "server"}) {
    cases.Malformed("held without " + std::string(member),
                    [&](Message& m) { m.payload["held"].get_object().erase(member); });
  }
  cases.Malformed("unknown member of held",
                  [](Message& m) { m.payload["held"].get_object()["note"] = 1; });
  cases.Malformed("unknown header member", [](Message& m) { m.header["kid"] = "1"; });
  cases.Malformed("typ of a report",
                  [](Message& m) { m.header["typ"] = "countersign-report+jwt"; });
  cases.Malformed("alg none", [](Message& m) { m.header["alg"] = "none"; });
}

}  // namespace

json::object MakeReceipts(const World& world) {
  json::object file = NewFile(
      "Receipts as a server reads them from the agent whose key is `spki` (protocol section 6).");
  file["spki"] = Base64Encode(world.Key("agent").public_key().spki());
  AgentMessageCases cases(world, "receipt", Receipt(world));
  AddValid(cases);
  AddMalformed(cases);
  cases.BadSignature("signed by another agent", [](Message& m) { m.key = "other-agent"; });
  cases.BadSignature("alg of another kind of key", [](Message& m) { m.header["alg"] = "ES384"; });
  file["cases"] = cases.Take();
  return file;
}

}  // namespace countersign::vectors
