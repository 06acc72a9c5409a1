#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/terminal.h"
#include "cli/amounts.h"
#include "cli/campaign.h"
#include "cli/rollout_commands.h"
#include "cli/rollout_text.h"

// countersign rollout status: once, or for as long as something moves.
namespace countersign::cli {
namespace {

constexpr std::string_view kRollout = "rollout";

Result<boost::json::object> FetchRollout(Session& session) {
  server::AdminMessage request;
  request.json = {{"command", "rollout-status"}};
  auto answer = session.Call(std::move(request));
  if (!answer) return std::unexpected(std::move(answer).error());
  return std::move(answer->json);
}

bool IsRolling(const boost::json::object& status) {
  const auto* const rollout = UnderWay(status, kRollout);
  return rollout != nullptr && !Rests(*rollout);
}

void PrintEarlierRollouts(const boost::json::object& status) {
  const auto& earlier = List(status, "earlier");
  if (earlier.empty()) return;
  Table table({"GENERATION", "SERIAL", "STATE", "SINCE", "BY", "WHY"});
  for (const auto& value : earlier) {
    if (!value.is_object()) continue;
    const auto& rollout = value.get_object();
    table.Add({Text(rollout, "generation"), Text(rollout, "serial"), Text(rollout, "state"),
               Text(rollout, "since"), Text(rollout, "by"), Text(rollout, "why")});
  }
  PrintLine("");
  PrintLine("Earlier rollouts:");
  table.Print();
}

void PrintKept(const boost::json::object& status) {
  for (const auto& value : List(status, "kept")) {
    if (!value.is_object()) continue;
    const auto& kept = value.get_object();
    PrintLine("The key of the aborted certificate " + Text(kept, "serial") + " (generation " +
              Text(kept, "generation") + ") is kept for agents that may hold it: " +
              Text(kept, "agents") + ". countersign rollout abort names them.");
  }
}

void PrintRolloutStatus(const boost::json::object& status) {
  const auto* const rollout = UnderWay(status, kRollout);
  if (rollout == nullptr) {
    PrintLine("No rollout is under way. countersign rollout plan says what one would find.");
  } else {
    Print(RolloutText(*rollout));
  }
  PrintKept(status);
  PrintEarlierRollouts(status);
}

Exit RolloutOutcome(const boost::json::object& status, bool waited) {
  if (!waited) return Exit::kOk;
  if (IsRolling(status)) return Exit::kTimedOut;
  const auto* const newest = Newest(status, kRollout);
  return newest == nullptr || Text(*newest, "state") == "finished" ? Exit::kOk : Exit::kGate;
}

}  // namespace

Exit ShowRollout(Session& session, const RolloutStatusCommand& command, Form form) {
  std::optional<Seconds> wait;
  if (!command.wait.empty()) {
    const auto typed = ParseDuration(command.wait);
    if (!typed) return PrintError(typed.error(), form);
    wait = *typed;
  }
  auto status = FetchRollout(session);
  if (!status) return PrintError(status.error(), form);
  if (form == Form::kText && !OutputIsTerminal() && !command.once) form = Form::kJson;
  const bool watched = form == Form::kText && !command.once && ErrorIsTerminal();
  if (session.server_runs() && (watched || wait)) {
    const auto watching = watched ? std::make_unique<Watching>(ErrorScreen()) : nullptr;
    Watch watch{.look = [&] { return FetchRollout(session); }, .goes_on = IsRolling, .most = wait};
    if (watching) {
      watch.show = [&](const auto& now) { watching->Show(*UnderWay(now, kRollout)); };
    }
    status = Follow(*std::move(status), watch);
    if (watching) watching->Clear();
    if (!status) return PrintError(status.error(), form);
  }
  if (form == Form::kJson) {
    PrintJson(*status);
  } else {
    PrintRolloutStatus(*status);
    if (IsRolling(*status) && !session.server_runs()) {
      PrintLine("The server is not running: nothing moves until countersignd is started.");
    } else if (watched && IsRolling(*status)) {
      PrintLine("The rollout goes on by itself.");
    }
  }
  return RolloutOutcome(*status, wait.has_value());
}

}  // namespace countersign::cli
