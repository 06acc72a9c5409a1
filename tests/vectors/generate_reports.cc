#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "tests/vectors/agent_messages.h"
#include "tests/vectors/generate.h"

namespace countersign::vectors {
namespace {

namespace json = boost::json;

json::object Jwk(const World& world, std::string_view key) {
  const auto point = world.Key(key).public_key().P256Coordinates();
  json::object jwk;
  jwk["kty"] = "EC";
  jwk["crv"] = "P-256";
  jwk["x"] = Base64UrlEncode(ByteView(point).first(32));
  jwk["y"] = Base64UrlEncode(ByteView(point).last(32));
  return jwk;
}

Message Report(const World& world) {
  Message report{.header = {}, .payload = {}, .key = "agent"};
  report.header["alg"] = "ES256";
  report.header["typ"] = "countersign-report+jwt";
  report.header["jwk"] = Jwk(world, "agent");
  report.payload["iss"] = world.IdOf("agent").Urn();
  report.payload["aud"] = world.server_id().Urn();
  report.payload["challenge"] = kChallenge;
  report.payload["held"] = SampleHeld(world);
  report.payload["time"] = kClock;
  report.payload["seq"] = 1;
  report.payload["instance"] = "MDEyMzQ1Njc4OTo7PD0-Pw";
  report.payload["host"] = "desk-17";
  report.payload["addresses"] = {"192.0.2.17", "2001:db8::17"};
  report.payload["port"] = 21112;
  report.payload["domain"] = "example.test";
  report.payload["version"] = "0.1.0";
  report.payload["platform"] = "linux x86_64";
  report.payload["batch"] = false;
  report.payload["failures"] = json::array();
  return report;
}

json::object Failure(std::string_view verdict, std::string_view source) {
  json::object failure;
  failure["verdict"] = verdict;
  failure["source"] = source;
  failure["count"] = 3;
  failure["first"] = kClock - 60;
  failure["last"] = kClock;
  return failure;
}

Digest Proof(ByteView secret, const World& world) {
  std::string message = "countersign enrol v1";
  for (const std::string& part :
       {world.IdOf("agent").Urn(), world.server_id().Urn(), std::string(kChallenge)}) {
    message += '\0';
    message += part;
  }
  return crypto::HmacSha256(secret, AsBytes(message));
}

Bytes TokenSecret() {
  Bytes secret(32);
  for (std::size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<std::uint8_t>(i);
  return secret;
}

void AddValid(const World& world, AgentMessageCases& cases) {
  cases.Valid("a report", {});
  cases.Valid("echo", [](Message& m) { m.payload["echo"] = "ICEiIyQlJicoKSorLC0uLw"; });
  cases.Valid("failures", [](Message& m) {
    m.payload["failures"] = {Failure("other-owner", "198.51.100.1"), Failure("stale", "others")};
  });
  cases.Valid("enrol", [&](Message& m) {
    json::object enrol;
    enrol["token"] = "b7Xk2";
    enrol["proof"] = Text(Proof(TokenSecret(), world));
    m.payload["enrol"] = std::move(enrol);
  });
  cases.Valid("stored bundle", [&](Message& m) {
    m.header["x5c"] = {json::string(Base64Encode(world.Server("server", "owner", kHeldGeneration))),
                       json::string(Base64Encode(world.Owner("owner")))};
  });
  cases.Valid("flags", [](Message& m) {
    for (const std::string_view member : {"tls", "pinned", "leaving"}) m.payload[member] = true;
  });
  cases.Valid("limits", [](Message& m) {
    for (const std::string_view member : {"host", "domain", "version", "platform"}) {
      m.payload[member] = json::string(255, 'h');
    }
    m.payload["addresses"] = json::array(16, json::value(json::string(64, 'a')));
    m.payload["failures"] = json::array(48, json::value(Failure("stale", "192.0.2.1")));
    m.payload["port"] = 65'535;
    m.payload["challenge"] = json::string(128, 'c');
  });
  cases.Valid("texts of people", [](Message& m) {
    m.payload["host"] = "Büro-17 \"<&>'";
    m.payload["domain"] = "";
  });
}

void AddMalformed(const World& world, AgentMessageCases& cases) {
  for (const std::string_view member :
       {"iss", "aud", "challenge", "held", "time", "seq", "instance", "host", "addresses", "port",
        "domain", "version", "platform", "batch", "failures"}) {
    cases.Malformed("without " + std::string(member), [&](Message& m) { m.payload.erase(member); });
  }
  cases.MalformedMember("unknown member", "note", "");
  cases.MalformedMember("iss is not the id of its key", "iss",
                        json::string(world.IdOf("other-agent").Urn()));
  cases.MalformedMember("challenge of 129 characters", "challenge", json::string(129, 'c'));
  cases.MalformedMember("challenge with other characters", "challenge", "a+b");
  cases.MalformedMember("echo null", "echo", nullptr);
  cases.MalformedMember("seq 0", "seq", 0);
  cases.MalformedMember("host of 256 octets", "host", json::string(256, 'h'));
  cases.MalformedMember("host with a control character", "host", "a\nb");
  cases.MalformedMember("17 addresses", "addresses", json::array(17, json::value("192.0.2.1")));
  cases.MalformedMember("address of 65 octets", "addresses", json::array({json::string(65, 'a')}));
  cases.MalformedMember("batch a number", "batch", 0);
  cases.MalformedMember("tls false", "tls", false);
  cases.MalformedMember("leaving a number", "leaving", 1);
  cases.MalformedMember("port a string", "port", "21112");
  cases.MalformedMember("49 failures", "failures",
                        json::array(49, json::value(Failure("stale", "192.0.2.1"))));
  cases.MalformedMember("failure with an unknown verdict", "failures",
                        json::array({Failure("late", "192.0.2.1")}));
  cases.MalformedMember("enrol without proof", "enrol", json::object({{"token", "b7Xk2"}}));
}

void AddHeaders(const World& world, AgentMessageCases& cases) {
  const auto jwk = [&](std::string_view name, std::string_view member, const json::value& value) {
    cases.Malformed(name, [&](Message& m) { m.header["jwk"].get_object()[member] = value; });
  };
  const json::object other = Jwk(world, "other-agent");
  cases.Malformed("no jwk", [](Message& m) { m.header.erase("jwk"); });
  jwk("jwk with a fifth member", "kid", "1");
  jwk("jwk with a private key", "d", other.at("x"));
  jwk("jwk of another type", "kty", "RSA");
  jwk("jwk of another curve", "crv", "P-384");
  jwk("jwk: point not on the curve", "y", other.at("y"));
  jwk("jwk: x of 31 octets", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
  cases.Malformed("unknown header member", [](Message& m) { m.header["kid"] = "1"; });
  cases.Malformed("typ of a receipt",
                  [](Message& m) { m.header["typ"] = "countersign-receipt+jwt"; });
  cases.BadSignature("signed by another key", [](Message& m) { m.key = "other-agent"; });
}

}  // namespace

json::object MakeReports(const World& world) {
  json::object file = NewFile(
      "Reports as a server reads them: the key is in the header (protocol section 6). "
      "`enrol_proofs` are the proofs of section 11.");
  AgentMessageCases cases(world, "report", Report(world));
  AddValid(world, cases);
  AddMalformed(world, cases);
  AddHeaders(world, cases);
  json::object proof;
  proof["secret"] = Base64UrlEncode(TokenSecret());
  proof["agent"] = world.IdOf("agent").Urn();
  proof["server"] = world.server_id().Urn();
  proof["challenge"] = kChallenge;
  proof["proof"] = Text(Proof(TokenSecret(), world));
  file["enrol_proofs"] = json::array({proof});
  file["cases"] = cases.Take();
  return file;
}

}  // namespace countersign::vectors
