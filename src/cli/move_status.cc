#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "base/terminal.h"
#include "cli/amounts.h"
#include "cli/move_commands.h"
#include "cli/move_text.h"
#include "cli/progress.h"

// countersign move status: once, or for as long as something moves.
namespace countersign::cli {
namespace {

using std::chrono::steady_clock;

constexpr auto kLookAgain = std::chrono::milliseconds(500);

const boost::json::object* UnderWay(const boost::json::object& status) {
  const auto* const move = status.if_contains("move");
  return move != nullptr && move->is_object() ? &move->get_object() : nullptr;
}

// The one that is meant: under way, or the newest that ended.
const boost::json::object* Newest(const boost::json::object& status) {
  if (const auto* const move = UnderWay(status)) return move;
  const auto& earlier = List(status, "earlier");
  return earlier.empty() || !earlier.front().is_object() ? nullptr : &earlier.front().get_object();
}

bool Moves(const boost::json::object& status) {
  const auto* const move = UnderWay(status);
  return move != nullptr && !MoveRests(*move);
}

Result<boost::json::object> Fetch(Session& session, const std::string& names) {
  boost::json::object status;
  boost::json::array all;
  std::string after;
  do {
    server::AdminMessage request;
    request.json = {{"command", "move-status"}};
    if (!names.empty()) {
      request.json["names"] = names;
      request.json["after"] = after;
    }
    auto page = session.Call(std::move(request));
    if (!page) return std::unexpected(std::move(page).error());
    for (const auto& name : List(page->json, "names")) all.push_back(name);
    after = Text(page->json, "next_after");
    if (status.empty()) status = std::move(page->json);
  } while (!after.empty());
  status.erase("next_after");
  if (!names.empty()) status["names"] = std::move(all);
  return status;
}

Result<boost::json::object> Follow(Session& session, boost::json::object status, ProgressLine* line,
                                   std::optional<steady_clock::time_point> until) {
  while (Moves(status) && (!until || steady_clock::now() < *until)) {
    if (line != nullptr) line->Show(MoveBar(*UnderWay(status)));
    std::this_thread::sleep_for(kLookAgain);
    auto next = Fetch(session, "");
    if (!next) return next;
    status = *std::move(next);
  }
  return status;
}

Exit Outcome(const boost::json::object& status, bool waited) {
  if (!waited) return Exit::kOk;
  const auto* const newest = Newest(status);
  if (newest == nullptr) return Exit::kOk;
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

void PrintStatus(const boost::json::object& status) {
  const auto* const newest = Newest(status);
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
  auto status = Fetch(session, command.names);
  if (!status) return PrintError(status.error(), form);
  if (form == Form::kText && !OutputIsTerminal() && !command.once && command.names.empty()) {
    form = Form::kJson;
  }
  const bool once = command.once || !command.names.empty();
  const bool watched = form == Form::kText && !once && ErrorIsTerminal();
  if (session.server_runs() && (watched || wait)) {
    const auto line = watched ? std::make_unique<ProgressLine>("", ErrorScreen()) : nullptr;
    std::optional<steady_clock::time_point> until;
    if (wait) until = steady_clock::now() + *wait;
    status = Follow(session, *std::move(status), line.get(), until);
    if (!status) return PrintError(status.error(), form);
  }
  if (form == Form::kJson) {
    PrintJson(*status);
  } else {
    PrintStatus(*status);
    if (Moves(*status) && !session.server_runs()) {
      PrintLine("The server is not running: nothing moves until countersignd is started.");
    }
  }
  return Outcome(*status, wait.has_value());
}

}  // namespace countersign::cli
