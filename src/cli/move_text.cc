#include "cli/move_text.h"

#include <algorithm>

#include "cli/amounts.h"
#include "cli/campaign.h"
#include "cli/output.h"
#include "cli/progress.h"

namespace countersign::cli {
namespace {

std::string_view MeansOf(const std::string& state) {
  if (state == "running") return "agents are ordered away one after another";
  if (state == "halted") return "nobody else is ordered away: too many failed";
  if (state == "finished") return "nobody is left to be ordered away";
  return "nobody else is ordered away";
}

std::string_view NextOf(const std::string& state, bool some_failed) {
  if (state == "running") return "nothing: it goes on by itself; countersign move abort ends it";
  if (state == "halted") {
    return "countersign move status --names failed, then countersign move resume or abort";
  }
  if (some_failed) return "countersign move status --names failed";
  return "";
}

std::string Count(const boost::json::object& move, std::string_view name) {
  return Number(move, name) == 0 ? "" : Text(move, name);
}

}  // namespace

bool MoveRests(const boost::json::object& move) { return Text(move, "state") != "running"; }

std::string MoveBar(const boost::json::object& move) {
  std::string text = Text(move, "state") + " ";
  const std::uint64_t agents = Number(move, "agents");
  if (agents > 0) text += ProgressBar(Number(move, "moved"), agents) + " moved";
  if (Number(move, "failed") > 0) text += ", " + Text(move, "failed") + " failed";
  if (Number(move, "ordered") > 0) text += ", " + Text(move, "ordered") + " on the way";
  return text.substr(0, ProgressLine::kWidth);
}

std::string MoveText(const boost::json::object& move) {
  const std::string state = Text(move, "state");
  std::string text = "Move to server " + Text(move, "server") + " at " +
                     ListText(move, "addresses") + ": " + state + ", " +
                     std::string(MeansOf(state)) + ".\n";
  AddLine(text, "its owner:", Text(move, "owner"));
  AddLine(text, "since:", Text(move, "since"));
  const std::string by = Text(move, "by");
  AddLine(text, "started:", Text(move, "started") + (by.empty() ? "" : " by " + by));
  const std::uint64_t rate = Number(move, "rate_per_minute");
  AddLine(text,
          "rate:", rate == 0 ? "no limit" : "at most " + std::to_string(rate) + " agents a minute");
  AddLine(
      text, "halts:",
      "when more than " + FormatShare(Number(move, "halt_at")) + " of the answers are failures");
  AddLine(text, "warrants until:", Text(move, "warrant_until"));
  AddLine(text, "moved:", Text(move, "moved") + " of " + Text(move, "agents") + " agents");
  AddLine(text, "on the way:", Count(move, "ordered"));
  AddLine(text, "waiting:", Count(move, "waiting"));
  AddLine(text, "failed:", Count(move, "failed"));
  for (const auto& value : List(move, "reasons")) {
    if (!value.is_object()) continue;
    const auto& reason = value.get_object();
    text += "    " + Text(reason, "agents") + "  " + Text(reason, "reason") + ": " +
            Text(reason, "text") + "\n";
  }
  AddLine(text, "why:", Text(move, "why"));
  AddLine(text, "next:", std::string(NextOf(state, Number(move, "failed") > 0)));
  return text;
}

std::string ExpectedText(const boost::json::object& expected) {
  if (Number(expected, "expected") + Number(expected, "arriving") + Number(expected, "arrived") ==
      0) {
    return "";
  }
  return "Announced agents of other servers: " + Text(expected, "arrived") + " have come, " +
         Text(expected, "arriving") + " are arriving, " + Text(expected, "expected") +
         " have not been heard of.\n";
}

}  // namespace countersign::cli
