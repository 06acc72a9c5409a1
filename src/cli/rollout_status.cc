#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "base/terminal.h"
#include "cli/amounts.h"
#include "cli/rollout_commands.h"
#include "cli/rollout_text.h"

// countersign rollout status: once, or for as long as something moves.
namespace countersign::cli {
namespace {

using std::chrono::steady_clock;

constexpr auto kRedraw = std::chrono::seconds(1);
constexpr auto kStep = std::chrono::milliseconds(100);

volatile std::sig_atomic_t interrupted = 0;

// UntilInterrupted takes Ctrl-C for the end of watching as long as it lives.
class UntilInterrupted {
 public:
  UntilInterrupted() {
    interrupted = 0;
    before_ = std::signal(SIGINT, [](int) { interrupted = 1; });
  }
  UntilInterrupted(const UntilInterrupted&) = delete;
  UntilInterrupted& operator=(const UntilInterrupted&) = delete;
  ~UntilInterrupted() {
    if (before_ != SIG_ERR) std::signal(SIGINT, before_);
  }
  [[nodiscard]] static bool IsOver() { return interrupted != 0; }

 private:
  void (*before_)(int) = SIG_DFL;
};

Result<boost::json::object> Fetch(Session& session) {
  server::AdminMessage request;
  request.json = {{"command", "rollout-status"}};
  auto answer = session.Call(std::move(request));
  if (!answer) return std::unexpected(std::move(answer).error());
  return std::move(answer->json);
}

// The rollout that is under way; nullptr if none is.
const boost::json::object* UnderWay(const boost::json::object& status) {
  const auto* const rollout = status.if_contains("rollout");
  return rollout != nullptr && rollout->is_object() ? &rollout->get_object() : nullptr;
}

// The one that is meant: under way, or the newest that ended.
const boost::json::object* Newest(const boost::json::object& status) {
  if (const auto* const rollout = UnderWay(status)) return rollout;
  const auto& earlier = List(status, "earlier");
  return earlier.empty() || !earlier.front().is_object() ? nullptr : &earlier.front().get_object();
}

bool Moves(const boost::json::object& status) {
  const auto* const rollout = UnderWay(status);
  return rollout != nullptr && !Rests(*rollout);
}

void PrintEarlier(const boost::json::object& status) {
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

void PrintStatus(const boost::json::object& status) {
  const auto* const rollout = UnderWay(status);
  if (rollout == nullptr) {
    PrintLine("No rollout is under way. countersign rollout plan says what one would find.");
  } else {
    Print(RolloutText(*rollout));
  }
  PrintKept(status);
  PrintEarlier(status);
}

// Sleeps until the next look, or until Ctrl-C.
void Pause() {
  const auto until = steady_clock::now() + kRedraw;
  while (!UntilInterrupted::IsOver() && steady_clock::now() < until) {
    std::this_thread::sleep_for(kStep);
  }
}

// Follow looks every second until nothing moves any more, `until` is over or Ctrl-C is pressed, and
// returns the last status.
Result<boost::json::object> Follow(Session& session, boost::json::object status, Watching* watching,
                                   std::optional<steady_clock::time_point> until) {
  const UntilInterrupted guard;
  while (Moves(status) && !UntilInterrupted::IsOver() && (!until || steady_clock::now() < *until)) {
    if (watching != nullptr) watching->Show(*UnderWay(status));
    Pause();
    auto next = Fetch(session);
    if (!next) return next;
    status = *std::move(next);
  }
  return status;
}

Exit Outcome(const boost::json::object& status, bool waited) {
  if (!waited) return Exit::kOk;
  if (Moves(status)) return Exit::kTimedOut;
  const auto* const newest = Newest(status);
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
  auto status = Fetch(session);
  if (!status) return PrintError(status.error(), form);
  if (form == Form::kText && !OutputIsTerminal() && !command.once) form = Form::kJson;
  const bool watched = form == Form::kText && !command.once && ErrorIsTerminal();
  if (session.server_runs() && (watched || wait)) {
    const auto watching = watched ? std::make_unique<Watching>(ErrorScreen()) : nullptr;
    std::optional<steady_clock::time_point> until;
    if (wait) until = steady_clock::now() + *wait;
    status = Follow(session, *std::move(status), watching.get(), until);
    if (watching) watching->Clear();
    if (!status) return PrintError(status.error(), form);
  }
  if (form == Form::kJson) {
    PrintJson(*status);
  } else {
    PrintStatus(*status);
    if (Moves(*status) && !session.server_runs()) {
      PrintLine("The server is not running: nothing moves until countersignd is started.");
    } else if (watched && Moves(*status)) {
      PrintLine("The rollout goes on by itself.");
    }
  }
  return Outcome(*status, wait.has_value());
}

}  // namespace countersign::cli
