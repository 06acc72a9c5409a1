#include "tests/vectors/agent_model.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "crypto/hash.h"

namespace countersign::vectors {
namespace {

namespace json = boost::json;

Jti JtiOf(const json::value& entry) { return Jti::Parse(TextOf(entry.at("jti"))).value(); }

bool IsIn(const json::value& entry, std::string_view state) {
  return TextOf(entry.at("state")) == state;
}

}  // namespace

AgentModel::AgentModel(const VectorFile& file, const json::object& one)
    : held_(file.State(TextOf(one.at("state")))),
      distrust_(DistrustOf(one.at("distrusted").as_array())),
      self_(UuidOf(file.json().at("agent"))),
      clock_(FromUnix(one.at("clock").to_number<std::int64_t>())),
      room_(TextOf(one.at("room"))) {
  for (const auto& challenge : one.at("challenges").as_array()) {
    challenges_.emplace(TextOf(challenge));
  }
  Remember(one.at("memory").as_array());
  if (room_ == "full") FillShare();
}

// What an earlier process left behind first, then a restart, then what runs now.
void AgentModel::Remember(const json::array& entries) {
  const Digest& held = held_.certificate.thumbprint();
  for (const auto& entry : entries) {
    if (IsIn(entry, "running")) continue;
    Check(memory_.Start(JtiOf(entry), held, clock_).has_value(), "room");
    if (!IsIn(entry, "done")) continue;
    const json::object& done = entry.as_object();
    (void)memory_.Finish(JtiOf(entry), trust::ParseVerdict(TextOf(done.at("verdict"))).value(),
                         done.contains("result") ? json::serialize(done.at("result")) : "", clock_);
  }
  memory_ = trust::OrderMemory::Parse(memory_.Encode()).value();
  for (const auto& entry : entries) {
    if (!IsIn(entry, "running")) continue;
    Check(memory_.Start(JtiOf(entry), held, clock_).has_value(), "room");
  }
}

void AgentModel::FillShare() {
  for (std::uint32_t n = 0;; ++n) {
    const Digest name = crypto::Sha256(AsBytes("filler " + std::to_string(n)));
    std::array<std::uint8_t, 16> jti{};
    std::copy_n(name.begin(), jti.size(), jti.begin());
    if (!memory_.Start(Jti(jti), held_.certificate.thumbprint(), clock_)) return;
  }
}

wire::Judge AgentModel::judge() const {
  return {.held = held_, .distrust = distrust_, .self = self_, .now = clock_};
}

json::object AgentModel::Told(std::string_view verdict) const {
  json::object told;
  told["verdict"] = verdict;
  return told;
}

void AgentModel::Take(const wire::Judgement& judgement) {
  challenge_used_ = judgement.authentic;
  if (!judgement.moved) return;
  held_ = *judgement.moved;
  memory_.TrustMoved(held_.certificate.thumbprint());
}

json::object AgentModel::TakeOrder(std::string_view order) {
  json::object told = Told("malformed");
  if (const auto parsed = wire::ParseOrder(order)) {
    const wire::Judgement judgement =
        JudgeOrder(judge(), *parsed, challenges_.contains(parsed->order.challenge));
    Take(judgement);
    told = judgement.refused ? Told(trust::VerdictName(*judgement.refused)) : Record(parsed->order);
  }
  told["challenge_used"] = challenge_used_;
  told["held"] = Summary(held_);
  return told;
}

json::object AgentModel::Record(const wire::Order& order) {
  if (const auto before = memory_.Seen(order.jti)) {
    json::object told = Told(trust::VerdictName(before->verdict));
    if (before->verdict != trust::Verdict::kDoneBefore) return told;
    json::object& earlier = told["earlier"].emplace_object();
    earlier["verdict"] = trust::VerdictName(before->entry->verdict);
    if (!before->entry->result.empty()) earlier["result"] = json::parse(before->entry->result);
    return told;
  }
  if (!memory_.Start(order.jti, held_.certificate.thumbprint(), clock_)) return Told("busy");
  if (room_ != "unwritable") return Told("begins");
  memory_.Forget(order.jti);
  return Told("cannot-record");
}

json::object AgentModel::TakeReply(std::string_view reply) {
  json::object told = Told("malformed");
  const auto parsed = wire::ParseReply(reply);
  if (parsed) {
    const wire::Judgement judgement =
        JudgeReply(judge(), *parsed, challenges_.contains(parsed->reply.challenge));
    Take(judgement);
    told = Told(judgement.refused ? trust::VerdictName(*judgement.refused) : "passes");
    if (!judgement.refused) {
      json::array& orders = told["orders"].emplace_array();
      for (const std::string& text : parsed->reply.orders) {
        orders.push_back(TakeOrderOf(parsed->reply, text));
      }
    }
  }
  told["challenge_used"] = challenge_used_;
  told["held"] = Summary(held_);
  return told;
}

// An order in a reply: its challenge is good if it is byte for byte the reply's.
json::object AgentModel::TakeOrderOf(const wire::Reply& reply, std::string_view text) {
  const auto order = wire::ParseOrder(text);
  if (!order) return Told("malformed");
  const wire::Judgement judgement =
      JudgeOrder(judge(), *order, order->order.challenge == reply.challenge);
  if (judgement.refused) return Told(trust::VerdictName(*judgement.refused));
  return Record(order->order);
}

}  // namespace countersign::vectors
