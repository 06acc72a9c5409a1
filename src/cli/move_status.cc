#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/terminal.h"
#include "cli/amounts.h"
#include "cli/campaign.h"
#include "cli/move_commands.h"
#include "cli/move_text.h"
#include "cli/progress.h"

// countersign move status: once, or for as long as something moves.
namespace countersign::cli {
namespace {

constexpr std::string_view kMove = "move";

bool IsMoving(const boost::json::object& status) {
  const auto* const move = UnderWay(status, kMove);
  return move != nullptr && !MoveRests(*move);
}

Result<boost::json::object> FetchMove(Session& session, const std::string& names) {
  boost::json::object request = {{"command", "move-status"}};
  if (!names.empty()) {
    request["names"] = names;
    return AllPages(session, request, "the agents");
  }
  server::AdminMessage message;
  message.json = std::move(request);
  auto answer = session.Call(std::move(message));
  if (!answer) return std::unexpected(std::move(answer).error());
  return std::move(answer->json);
}

Exit MoveOutcome(const boost::json::object& status, bool waited) {
  if (!waited) return Exit::kOk;
  const auto* const newest = Newest(status, kMove);
  const std::string state = Text(*newest, "state");
  if (state == "running") return Exit::kTimedOut;
  if (state == "halted") return Exit::kMoveHalted;
  if (state == "aborted") return Exit::kMoveAborted;
  return Number(*newest, "failed") > 0 ? Exit::kMoveLeft : Exit::kOk;
}

void PrintNames(const boost::json::array& names) {
  Table table({"AGENT", "HOST", "DOMAIN", "SINCE", "WHY", "IT SAID", "NEXT"});
  for (const auto& value : names) {
    if (!value.is_object()) continue;
    const auto& agent = value.get_object();
    table.Add({Text(agent, "agent"), Text(agent, "host"), Text(agent, "domain"),
               Text(agent, "since"), Text(agent, "reason_text"), Text(agent, "said"),
               Text(agent, "next_step")});
  }
  PrintLine("");
  table.Print();
}

void PrintMoveStatus(const boost::json::object& status) {
  const auto* const newest = Newest(status, kMove);
  if (newest == nullptr) {
    PrintLine("No agent was moved from here. countersign move plan says what a move would find.");
  } else {
    Print(MoveText(*newest));
  }
  const auto* const expected = status.if_contains("expected");
  if (expected != nullptr && expected->is_object()) Print(ExpectedText(expected->get_object()));
  if (status.contains("names")) PrintNames(List(status, "names"));
}

}  // namespace

Exit ShowMove(Session& session, const MoveStatusCommand& command, Form form) {
  std::optional<Seconds> wait;
  if (!command.wait.empty()) {
    const auto typed = ParseDuration(command.wait);
    if (!typed) return PrintError(typed.error(), form);
    wait = *typed;
  }
  auto status = FetchMove(session, command.names);
  if (!status) return PrintError(status.error(), form);
  if (wait && Newest(*status, kMove) == nullptr) {
    return PrintError(
        {Code::kNotFound, "there is nothing to wait for: no agent was moved from here",
         "countersign move plan --all"},
        form);
  }
  if (form == Form::kText && !OutputIsTerminal() && !command.once && command.names.empty()) {
    form = Form::kJson;
  }
  const bool once = command.once || !command.names.empty();
  const bool watched = form == Form::kText && !once && ErrorIsTerminal();
  if (session.server_runs() && (watched || wait)) {
    const auto line = watched ? std::make_unique<ProgressLine>("", ErrorScreen()) : nullptr;
    Watch watch{.look = [&] { return FetchMove(session, ""); }, .goes_on = IsMoving, .most = wait};
    if (line) watch.show = [&](const auto& now) { line->Show(MoveBar(*UnderWay(now, kMove))); };
    status = Follow(*std::move(status), watch);
    if (line) line->Clear();
    if (!status) return PrintError(status.error(), form);
  }
  if (form == Form::kJson) {
    PrintJson(*status);
  } else {
    PrintMoveStatus(*status);
    if (IsMoving(*status) && !session.server_runs()) {
      PrintLine("The server is not running: nothing moves until countersignd is started.");
    } else if (watched && IsMoving(*status)) {
      PrintLine("The move goes on by itself.");
    }
  }
  return MoveOutcome(*status, wait.has_value());
}

}  // namespace countersign::cli
