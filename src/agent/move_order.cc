#include "agent/move_order.h"

#include <boost/json/serialize.hpp>
#include <utility>

#include "trust/move.h"
#include "wire/move_target.h"
#include "wire/warrant.h"

namespace countersign::agent {
namespace {

using trust::Verdict;

constexpr std::size_t kMaxWhyLen = 512;

ActEnded Refused(Verdict verdict, std::string_view reason, std::string_view why) {
  return {verdict, MoveFailedResult(reason, why)};
}

// What a bundle was refused for, for people.
std::string_view WhyOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kWrongServer:
      return "the target is this agent's own server, or its certificate is for another one";
    case Verdict::kOtherOwner:
      return "the bundle does not come from the owner that the warrant names";
    case Verdict::kOlderGeneration:
      return "the target's certificate is older than the warrant asks, or than one that this agent "
             "has held for that server";
    case Verdict::kFork:
      return "this agent has held another certificate of that generation for that server";
    case Verdict::kDistrusted:
      return "a certificate or key of the target is in this agent's distrust list";
    case Verdict::kCannotRecord:
      return "this agent has trusted as many servers as it can remember";
    default:
      return "the bundle does not verify";
  }
}

}  // namespace

std::string MoveFailedResult(std::string_view reason, std::string_view why) {
  return boost::json::serialize(
      boost::json::object{{"reason", reason}, {"error", why.substr(0, kMaxWhyLen)}});
}

std::string MovedResult(const trust::TrustState& now, std::string_view address) {
  return boost::json::serialize(boost::json::object{
      {"server", now.server.Urn()}, {"generation", now.generation}, {"address", address}});
}

ActOutcome OrderToMove(const ActOrder& order, const AgentId& self,
                       const trust::DistrustList& distrust) {
  const auto args = wire::ParseMoveArgs(boost::json::serialize(order.args));
  // Without a warrant that can be read there is none.
  if (!args) return Refused(Verdict::kBadWarrant, "bad-warrant", args.error().message);
  const auto warrant = wire::JudgeWarrant(
      args->warrant,
      {.held = order.trust, .self = self, .now = order.now.wall, .act = wire::WarrantAct::kMove});
  if (!warrant) {
    const auto read = wire::ParseWarrant(args->warrant);
    const bool is_used = read && order.trust.HasSpent(read->warrant.jti);
    return Refused(Verdict::kBadWarrant, is_used ? "used-warrant" : "bad-warrant",
                   warrant.error().message);
  }
  const auto& announced = warrant->target;
  if (!announced) return Refused(Verdict::kBadWarrant, "bad-warrant", "it has no target");
  const wire::MoveTarget& target = *announced;
  const auto after = trust::TrustAfterMove(
      order.trust,
      {.server = target.server, .owner = target.owner, .least_generation = target.generation},
      args->bundle, distrust);
  if (!after) {
    return Refused(Verdict::kFailed, VerdictName(after.error()), WhyOf(after.error()));
  }
  auto to_be = trust::WithSpent(*after, wire::SpentOf(*warrant), order.now.wall);
  if (!to_be) return Refused(Verdict::kFailed, "cannot-record", to_be.error().message);
  return Deed(
      MoveAgent{.held = order.trust, .to_be = *std::move(to_be), .addresses = target.addresses});
}

}  // namespace countersign::agent
