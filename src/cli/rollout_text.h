#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "cli/progress.h"

// What people read of a rollout. Fleet, names and rollout are the JSON
// of the admin commands rollout-… (server/admin.h).
namespace countersign::cli {

// HasEnded: this rollout is finished or aborted. Rests: it does not go on by itself: ended, at its
// gate, paused or halted.
[[nodiscard]] bool HasEnded(const boost::json::object& rollout);
[[nodiscard]] bool Rests(const boost::json::object& rollout);

// RolloutBar is a rollout on one line, with a bar of who has it; fits ProgressLine::kWidth.
[[nodiscard]] std::string RolloutBar(const boost::json::object& rollout);

// RolloutText is where a rollout stands and on which terms, in lines that end with the command to
// run next.
[[nodiscard]] std::string RolloutText(const boost::json::object& rollout);
// WhatHappensNow says it for a rollout that has just been started, with the next commands.
[[nodiscard]] std::string WhatHappensNow(const boost::json::object& rollout);

// PrintFleet prints the table of a plan: all, by domain, why hands are needed, since when unseen.
void PrintFleet(const boost::json::object& fleet);
// PrintNames prints agents by name, what each waits for, and the command that mends it.
void PrintNames(const boost::json::array& names);

// PrintGate shows whom rollout-finish would leave behind, and who follows by themselves.
void PrintGate(const boost::json::object& answer);
// PrintAborted shows who may hold the certificate after rollout-abort, and what becomes of them.
void PrintAborted(const boost::json::object& answer, bool accepted);

// Watching shows a rollout on a terminal as it moves: one bar that is drawn anew, and a line
// whenever the state has changed. The screen must be a terminal.
class Watching {
 public:
  explicit Watching(Screen screen) : line_("", std::move(screen)) {}
  void Show(const boost::json::object& rollout);
  // Clear takes the bar away.
  void Clear() { line_.Clear(); }

 private:
  ProgressLine line_;
  std::string state_;
};

}  // namespace countersign::cli
