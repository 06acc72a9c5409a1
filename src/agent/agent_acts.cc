#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "agent/agent.h"
#include "agent/move_order.h"
#include "agent/program_order.h"
#include "agent/set_unload.h"
#include "store/policy.h"

// Steps 9 and 10 of protocol section 5, and the acts that every agent has.
namespace countersign::agent {
namespace {

using trust::Verdict;

constexpr Uptime kReportWithin = Uptime(5'000);
// The listener cannot be switched off by orders, not even by many of them.
constexpr Uptime kRestartsNotBefore = Uptime(10'000);
constexpr std::int64_t kShortestInterval = 60;
constexpr std::int64_t kLongestInterval = 86'400;

// The arguments of an order that was parsed: an object, for sure.
boost::json::object ArgsOf(const wire::Order& order) {
  if (order.args.empty()) return {};
  boost::system::error_code failed;
  auto value = boost::json::parse(order.args, failed);
  return !failed && value.is_object() ? std::move(value.get_object()) : boost::json::object();
}

}  // namespace

void Agent::SetPolicy(std::shared_ptr<const store::Policy> policy, std::string trouble) {
  policy_ = std::move(policy);
  policy_trouble_ = std::move(trouble);
}

Seconds Agent::interval() const {
  const Seconds own = counters_.own_interval();
  return own.count() == 0 ? server_interval_ : std::min(own, server_interval_);
}

void Agent::AddBuiltInActs() {
  acts_.Add("ping", NoArguments([](const ActOrder&) -> ActOutcome { return ActEnded{}; }));
  acts_.Add("report", NoArguments([this](const ActOrder& order) -> ActOutcome {
              ReportSoon(order.now, kReportWithin);
              return ActEnded{};
            }));
  acts_.Add("update-now", NoArguments([](const ActOrder&) -> ActOutcome { return ActReports{}; }));
  acts_.Add("restart", NoArguments([this](const ActOrder& order) { return Restart(order); }));
  acts_.Add("move",
            [this](const ActOrder& order) { return OrderToMove(order, id_, world_.distrust); });
  acts_.Add("set-interval", [this](const ActOrder& order) { return SetInterval(order); });
  acts_.Add("run", [this](const ActOrder& order) { return RunNamedProgram(*policy_, order.args); });
  if (world_.unload != nullptr) acts_.Add("set-unload", SetUnloadAct(*world_.unload));
}

bool Agent::IsFull(std::string_view act) const {
  const bool is_program =
      act == "run" || (acts_.Find(act) == nullptr && policy_->hooks.contains(act));
  if (!is_program || !policy_->Allows(act)) return false;
  const auto running = std::ranges::count_if(running_, [](const auto& entry) {
    return entry.second.is_program && entry.second.receipt.empty();
  });
  return static_cast<std::size_t>(running) >= policy_->at_once;
}

// Steps 9 and 10.
std::optional<Agent::Verdicts> Agent::Act(const wire::SignedOrder& order, Way way, Times now) {
  const Jti& jti = order.order.jti;
  const std::string& name = order.order.act;
  world_.log.Write(LogLevel::kInfo, "order " + jti.Text() + ": " + name);
  const auto* const act = acts_.Find(name);
  const bool is_hook = act == nullptr && policy_->hooks.contains(name);
  if (act == nullptr && !is_hook) return Finish(jti, Verdict::kUnknownAction, {}, now);
  if (!policy_->Allows(name)) {
    std::string result;
    if (!policy_trouble_.empty()) {
      result = R"({"error":"the policy file of this agent is not taken: its log says why"})";
    }
    return Finish(jti, Verdict::kNotAllowed, std::move(result), now);
  }
  const auto args = ArgsOf(order.order);
  const ActOrder given{jti, name, args, trust_, now};
  auto outcome = is_hook ? RunHook(given) : (*act)(given);
  if (auto* const ended = std::get_if<ActEnded>(&outcome)) {
    return Finish(jti, ended->verdict, std::move(ended->result), now);
  }
  Running running{.way = way, .oh = order.envelope.oh, .server = trust_.server};
  if (auto* const deed = std::get_if<Deed>(&outcome)) {
    running.is_program = std::holds_alternative<RunProgram>(*deed);
    tasks_.push_back({jti, std::move(*deed)});
  } else {
    // Ends when the reply to a report made from now on was applied.
    running.after_report = report_number_;
    asked_report_at_ = now.boot;
  }
  running_[jti] = std::move(running);
  return std::nullopt;
}

// Its end is stored before the agent restarts: no later process runs it again.
ActOutcome Agent::Restart(const ActOrder& order) {
  if (order.now.boot - started_at_ < kRestartsNotBefore) {
    return ActFailed("this agent has only just started");
  }
  restart_wanted_ = true;
  return ActEnded{};
}

ActOutcome Agent::SetInterval(const ActOrder& order) {
  Seconds interval{0};
  if (!order.args.empty()) {
    const auto* const seconds = order.args.if_contains("seconds");
    const auto* const number = seconds == nullptr ? nullptr : seconds->if_int64();
    if (order.args.size() != 1 || number == nullptr || *number < kShortestInterval ||
        *number > kLongestInterval) {
      return ActFailed(R"(expected {"seconds":60..86400}, or nothing to follow the server again)");
    }
    interval = Seconds(*number);
  }
  const Seconds before = counters_.own_interval();
  counters_.set_own_interval(interval);
  if (const auto saved = counters_.Save(); !saved) {
    counters_.set_own_interval(before);
    return ActFailed(saved.error().message);
  }
  next_report_at_ = std::min<Uptime>(next_report_at_, order.now.boot + this->interval());
  return ActEnded{Verdict::kDone, boost::json::serialize(
                                      boost::json::object{{"interval", this->interval().count()},
                                                          {"server", server_interval_.count()}})};
}

ActOutcome Agent::RunHook(const ActOrder& order) const { return HookProgram(*policy_, order, id_); }

}  // namespace countersign::agent
