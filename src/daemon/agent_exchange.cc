#include <boost/json/value.hpp>
#include <utility>

#include "daemon/agent_probe.h"
#include "daemon/server_call.h"
#include "mover/target_exchange.h"
#include "wire/messages.h"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;
using doctor::ExchangeFacts;
using doctor::Reach;

std::string TextOf(const boost::json::object& json, std::string_view name) {
  const auto* const value = json.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

bool FlagOf(const boost::json::object& json, std::string_view name) {
  const auto* const value = json.if_contains(name);
  return value != nullptr && *value == true;
}

}  // namespace

ExchangeFacts NotMade(const Error& error) {
  ExchangeFacts facts;
  facts.reach = Reach::kFailed;
  facts.why = error.message;
  facts.local = true;
  facts.next = error.next;
  return facts;
}

asio::awaitable<ExchangeFacts> TryExchange(const agent::Installation& installation,
                                           const trust::TrustState& held,
                                           store::AgentCounters& counters, const Instance& instance,
                                           RandomSource& random) {
  ExchangeFacts facts;
  facts.reach = Reach::kFailed;
  mover::TargetExchange exchange(held, installation.profile, installation.key, random);
  const auto report = exchange.MakeReport(counters, instance, ReadClocks());
  if (!report) co_return NotMade(report.error());
  const auto answer = co_await PostReport(installation.config, *report);
  if (!answer) {
    facts.why = answer.error().message;
    co_return facts;
  }
  facts.status = answer->status;
  if (answer->status != 200) {
    facts.why = "the server answered with HTTP " + std::to_string(answer->status);
    co_return facts;
  }
  facts.reach = Reach::kReached;
  const auto judged = exchange.TakeReply(answer->body, installation.distrust, ReadClocks());
  if (judged.refused) facts.refused = VerdictName(*judged.refused);
  facts.expired = judged.expired;
  facts.accepted = judged.accepted;
  facts.moves =
      judged.state && judged.state->certificate.thumbprint() != held.certificate.thumbprint();
  if (const auto reply = wire::ParseReply(answer->body)) {
    facts.server_time = FromUnix(static_cast<std::int64_t>(reply->reply.iat));
  }
  co_return facts;
}

boost::json::object ExchangeJson(const ExchangeFacts& facts) {
  return {{"reached", facts.reach == Reach::kReached},
          {"why", facts.why},
          {"local", facts.local},
          {"next", facts.next},
          {"status", facts.status},
          {"refused", facts.refused},
          {"expired", facts.expired},
          {"accepted", facts.accepted},
          {"moves", facts.moves},
          {"server_time", facts.server_time ? FormatUtc(*facts.server_time) : ""}};
}

ExchangeFacts ReadExchange(const boost::json::object& json) {
  ExchangeFacts facts;
  facts.reach = FlagOf(json, "reached") ? Reach::kReached : Reach::kFailed;
  facts.why = TextOf(json, "why");
  facts.local = FlagOf(json, "local");
  facts.next = TextOf(json, "next");
  const auto* const status = json.if_contains("status");
  if (status != nullptr && status->is_int64()) facts.status = static_cast<int>(status->as_int64());
  facts.refused = TextOf(json, "refused");
  facts.expired = FlagOf(json, "expired");
  facts.accepted = FlagOf(json, "accepted");
  facts.moves = FlagOf(json, "moves");
  facts.server_time = ParseUtc(TextOf(json, "server_time"));
  return facts;
}

}  // namespace countersign::daemon
