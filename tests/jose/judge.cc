// Judges messages for judged.mjs. The first line it prints is its world in JSON: for each kind of
// server key a trust state, told by its private key, so that the other side can speak as the
// server. Then it reads lines "<kind> <world> <message>", message in base64, and answers each with
// one word: "passed", "moved", "verified" or the reason. Test keys only: real ones never leave
// keys/.
#include "wire/judge.h"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <iostream>
#include <sstream>

#include "base/encoding.h"
#include "tests/support/certificate_factory.h"
#include "wire/sample_messages.h"

namespace countersign::wire::testing {
namespace {

namespace json = boost::json;
using countersign::testing::Identity;
using countersign::testing::TestAuthority;

constexpr std::string_view kChallenge = "Y291bnRlcnNpZ24";

std::string Pkcs8(const crypto::PrivateKey& key) {
  return Base64Encode(key.ToPkcs8(KeyExportToken()).view());
}

json::object Describe(const Identity& server) {
  return {{"pkcs8", Pkcs8(server.key)},
          {"alg", crypto::JwsAlgorithm(server.key.public_key().kind())},
          {"x5t", Base64UrlEncode(server.certificate.thumbprint())}};
}

struct World {
  trust::TrustState held;
  json::object told;
};

World MakeIssued(TestAuthority& authority) {
  const Identity owner = authority.MakeOwner();
  const ServerId id = authority.MakeServerId();
  const Identity server = authority.MakeServer(owner, {.server_ids = {id}, .generation = 7});
  const Identity next = authority.MakeServer(owner, {.server_ids = {id}, .generation = 8});
  json::object told = Describe(server);
  json::object& later = told["next"].emplace_object();
  later = Describe(next);
  later["x5c"] = {Base64Encode(next.certificate.der()), Base64Encode(owner.certificate.der())};
  return {trust::FirstTrust(server.certificate, nullptr).value(), std::move(told)};
}

World MakeImported(TestAuthority& authority, crypto::KeyKind kind) {
  const Identity server = authority.MakeImported(kind);
  return {trust::FirstTrust(server.certificate, nullptr).value(), Describe(server)};
}

std::string Verdict(const Judgement& judgement) {
  if (judgement.refused) return std::string(trust::VerdictName(*judgement.refused));
  return judgement.moved ? "moved" : "passed";
}

std::string JudgeLine(std::string_view kind, const World& world, std::string_view message) {
  const trust::DistrustList nobody;
  const Judge judge{.held = world.held,
                    .distrust = nobody,
                    .self = SampleUuid(0xa1),
                    .now = countersign::testing::kTestBegin};
  if (kind == "report") {
    const auto report = ParseReport(message);
    if (!report) return "malformed";
    return IsSignedBy(report->envelope, report->key) ? "verified" : "bad-signature";
  }
  if (kind == "reply") {
    const auto reply = ParseReply(message);
    if (!reply) return "malformed";
    return Verdict(JudgeReply(judge, *reply, reply->reply.challenge == kChallenge));
  }
  const auto order = ParseOrder(message);
  if (!order) return "malformed";
  return Verdict(JudgeOrder(judge, *order, order->order.challenge == kChallenge));
}

int Run() {
  TestAuthority authority;
  std::vector<World> worlds;
  worlds.push_back(MakeIssued(authority));
  worlds.push_back(MakeImported(authority, crypto::KeyKind::kP384));
  worlds.push_back(MakeImported(authority, crypto::KeyKind::kRsa));
  json::array told;
  for (World& world : worlds) {
    world.told["server"] = world.held.server.Urn();
    world.told["agent"] = SampleUuid(0xa1).Urn();
    world.told["challenge"] = kChallenge;
    told.push_back(world.told);
  }
  std::cout << json::serialize(told) << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string kind;
    std::size_t world = 0;
    std::string message;
    words >> kind >> world >> message;
    const auto octets = Base64Decode(message);
    if (!octets) return 2;
    std::cout << JudgeLine(kind, worlds.at(world), AsText(*octets)) << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace countersign::wire::testing

int main() { return countersign::wire::testing::Run(); }
