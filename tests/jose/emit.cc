// Prints one of each message that we sign, with the key that verifies it, as one line of JSON for
// emitted.mjs. Keys are new each time.
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cstdio>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "tests/support/certificate_factory.h"
#include "wire/messages.h"
#include "wire/sample_messages.h"

namespace countersign::wire::testing {
namespace {

namespace json = boost::json;
using countersign::testing::Identity;
using countersign::testing::TestAuthority;

class Emitter {
 public:
  void Add(std::string_view name, const Result<std::string>& message,
           const crypto::PublicKey& key) {
    json::object& entry = messages_.emplace_back(json::object_kind).get_object();
    entry["name"] = name;
    entry["alg"] = crypto::JwsAlgorithm(key.kind());
    entry["spki"] = Base64Encode(key.spki());
    entry["jws"] = message.value();
  }
  // What was told to the message apart from its text, to be found again by other means.
  void Tell(std::string_view name, std::string_view value) {
    messages_.back().get_object()[name] = value;
  }
  [[nodiscard]] const json::array& messages() const { return messages_; }

 private:
  json::array messages_;
};

void AddOrders(TestAuthority& authority, Emitter& out) {
  for (const auto kind : {crypto::KeyKind::kP256, crypto::KeyKind::kP384, crypto::KeyKind::kRsa}) {
    const auto key = authority.MakeKey(kind);
    out.Add("order", SignOrder(SampleOrder(), key), key.public_key());
  }
  const Identity owner = authority.MakeOwner();
  const Identity server =
      authority.MakeServer(owner, {.server_ids = {SampleOrder().iss}, .generation = 7});
  Order order = SampleOrder();
  order.x5t = server.certificate.thumbprint();
  order.x5c = {server.certificate.der(), owner.certificate.der()};
  order.args.clear();
  out.Add("order with a bundle", SignOrder(order, server.key), server.key.public_key());
  out.Tell("leaf", Base64Encode(order.x5c.front()));
}

void AddAnswers(TestAuthority& authority, Emitter& out) {
  const auto agent = authority.MakeKey();
  const auto server = authority.MakeKey();
  Receipt receipt = SampleReceipt();
  const std::string order = SignOrder(SampleOrder(), server).value();
  receipt.oh = HashOfOrder(order);
  out.Add("receipt", SignReceipt(receipt, agent), agent.public_key());
  out.Tell("order", order);
  receipt.order.reset();
  receipt.verdict = trust::Verdict::kMalformed;
  receipt.earlier.reset();
  receipt.result.clear();
  out.Add("receipt of something malformed", SignReceipt(receipt, agent), agent.public_key());

  Report report = SampleReport(agent.public_key());
  const Bytes secret(32, 0x5e);
  report.enrol = {.token = "T-2025_11",
                  .proof = EnrolProof(secret, report.iss, report.aud, report.challenge)};
  out.Add("report", SignReport(report, agent), agent.public_key());
  out.Tell("secret", Base64Encode(secret));

  Reply reply = SampleReply();
  reply.orders = {order};
  out.Add("reply", SignReply(reply, server), server.public_key());
}

}  // namespace
}  // namespace countersign::wire::testing

int main() {
  using namespace countersign;
  wire::testing::Emitter out;
  testing::TestAuthority authority;
  AddOrders(authority, out);
  AddAnswers(authority, out);
  std::puts(boost::json::serialize(out.messages()).c_str());
  return 0;
}
