#include "cli/rollout_text.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/time.h"
#include "cli/amounts.h"
#include "cli/campaign.h"
#include "cli/output.h"

namespace countersign::cli {
namespace {

struct StateWords {
  std::string_view state;
  std::string_view means;
  std::string_view next;  // where the server does not say
};
constexpr std::array<StateWords, 8> kStates = {{
    {"planned", "offered to nobody yet", "countersign rollout status"},
    {"canary", "offered to the first wave",
     "nothing: it goes on to everybody by itself; at once with countersign rollout resume"},
    {"rolling", "offered to everybody", "nothing: agents take it over at their next contact"},
    {"gate", "everybody in contact was asked, and not all have it",
     "countersign rollout finish, which names them"},
    {"paused", "offered to nobody else", "countersign rollout resume"},
    {"halted", "offered to nobody else: too many refused it",
     "countersign rollout plan --names hands, then rollout resume, abort or rollback"},
    {"finished", "it is the certificate in use", ""},
    {"aborted", "offered to nobody any more", ""},
}};

const StateWords& WordsOf(const boost::json::object& rollout) {
  static constexpr StateWords kUnknown = {"", "", "countersign rollout status"};
  const std::string state = Text(rollout, "state");
  const auto* const found = std::ranges::find(kStates, state, &StateWords::state);
  return found == kStates.end() ? kUnknown : *found;
}

std::string Agents(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " agent" : " agents");
}

std::string FirstWave(const boost::json::object& rollout) {
  const std::uint64_t share = Number(rollout, "canary_share");
  std::string text = share == 0 ? "" : FormatShare(share) + " of the agents, drawn by chance";
  const std::string domains = ListText(rollout, "domains");
  if (!domains.empty()) text += (text.empty() ? "domain " : ", and domain ") + domains;
  return text;
}

std::string Duration(const boost::json::object& value, std::string_view name) {
  return FormatDuration(Seconds(static_cast<std::int64_t>(Number(value, name))));
}

std::string Name(const boost::json::object& rollout) {
  return "certificate " + Text(rollout, "serial") + " (generation " + Text(rollout, "generation") +
         ")";
}

}  // namespace

bool HasEnded(const boost::json::object& rollout) {
  const std::string state = Text(rollout, "state");
  return state == "finished" || state == "aborted";
}

bool Rests(const boost::json::object& rollout) {
  const std::string state = Text(rollout, "state");
  return HasEnded(rollout) || state == "gate" || state == "paused" || state == "halted";
}

std::string RolloutBar(const boost::json::object& rollout) {
  std::string text = Text(rollout, "state") + " ";
  const std::uint64_t agents = Number(rollout, "agents");
  if (agents > 0) text += ProgressBar(Number(rollout, "taken"), agents) + " have it";
  const std::uint64_t refused = Number(rollout, "refused");
  if (refused > 0) text += ", " + std::to_string(refused) + " refused it";
  const std::uint64_t sent = Number(rollout, "sent");
  if (sent > 0) text += ", " + std::to_string(sent) + " asked";
  return text.substr(0, ProgressLine::kWidth);
}

std::string RolloutText(const boost::json::object& rollout) {
  const StateWords& words = WordsOf(rollout);
  std::string text = "Rollout of " + Name(rollout) + ": " + Text(rollout, "state") + ", " +
                     std::string(words.means) + ".\n";
  AddLine(text, "since:", Text(rollout, "since"));
  const std::string by = Text(rollout, "by");
  AddLine(text, "started:", Text(rollout, "started") + (by.empty() ? "" : " by " + by));
  const std::string wave = FirstWave(rollout);
  if (!wave.empty()) {
    AddLine(text, "first wave:", wave + "; at least " + Duration(rollout, "soak_seconds"));
  }
  const std::uint64_t rate = Number(rollout, "rate");
  if (rate > 0) AddLine(text, "rate:", "at most " + Agents(rate) + " an hour");
  AddLine(text, "halts:",
          "when more than " + FormatShare(Number(rollout, "halt_at")) + " of the answers refuse");
  AddLine(text, "have it:", Text(rollout, "taken") + " of " + Agents(Number(rollout, "agents")));
  if (Number(rollout, "sent") > 0) {
    AddLine(text, "asked:", Text(rollout, "sent") + ", who have not answered yet");
  }
  if (Number(rollout, "refused") > 0) {
    AddLine(text, "refused it:", Text(rollout, "refused") + "; who: rollout plan --names hands");
  }
  if (Number(rollout, "waiting") > 0) {
    AddLine(text, "not asked yet:", Text(rollout, "waiting"));
  }
  AddLine(text, "why:", Text(rollout, "why"));
  if (!HasEnded(rollout)) AddLine(text, "must end by:", Text(rollout, "must_end_by"));
  const std::string next = Text(rollout, "next");
  AddLine(text, "next:", next.empty() ? std::string(words.next) : next);
  return text;
}

std::string WhatHappensNow(const boost::json::object& rollout) {
  std::string text;
  const std::uint64_t rate = Number(rollout, "rate");
  const std::string at_most = rate == 0 ? "" : ", to at most " + Agents(rate) + " an hour";
  const std::string wave = FirstWave(rollout);
  if (!wave.empty()) {
    text += "It is offered to the first wave now: " + wave + ".\n";
    text += "When that wave has it, after " + Duration(rollout, "soak_seconds") +
            " at the earliest, it is offered to everybody" + at_most + ", by itself.\n";
  } else {
    text += "It is offered to everybody now" + at_most + ".\n";
  }
  text +=
      "Agents that the server may call hear of it from the server, the others at their next "
      "contact.\n";
  text += "It halts by itself when more than " + FormatShare(Number(rollout, "halt_at")) +
          " of the agents that answer refuse it.\n";
  text += "Until it is finished, the certificate in use stays in use for all others.\n";
  text += "next:\n";
  text += "  countersign rollout status    how far it is\n";
  if (!wave.empty()) text += "  countersign rollout resume    to everybody at once\n";
  text += "  countersign rollout pause     offer it to nobody else for now\n";
  text += "  countersign rollout abort     offer it to nobody any more\n";
  text += "  countersign rollout finish    make it the one in use; names who does not have it\n";
  return text;
}

void Watching::Show(const boost::json::object& rollout) {
  const std::string state = Text(rollout, "state");
  if (!state_.empty() && state != state_) {
    line_.Clear();
    PrintLine("It is " + state + " now: " + std::string(WordsOf(rollout).means) + ".");
  }
  state_ = state;
  line_.Show(RolloutBar(rollout));
}

}  // namespace countersign::cli
