#include <algorithm>
#include <array>

#include "server/move.h"

// Why an agent of a campaign is not moved, for people.
namespace countersign::server {
namespace {

// What brings an agent over that failed, after what else there is to do.
enum class Again {
  kNothing,  // nothing, or what is said
  kOrder,    // another order: `resume`, or another campaign with the same target.json
  kWarrant,  // another campaign with the same target.json, whose warrants are new
  kTarget,   // another campaign with a new target.json: `resume` keeps the one that it has
};
struct Failure {
  std::string_view reason;
  std::string_view text;
  Again again = Again::kNothing;
  std::string_view first = {};  // to do before, or all that there is to do
};

constexpr std::string_view kMover =
    "IpXfer -s NEW_SERVER -p PORT -sp PORT -c PORT -e OfcNTCer.dat of the new server (on the "
    "agent)";

constexpr std::array<Failure, 22> kFailures = {{
    {kGone, "it was removed here meanwhile", Again::kNothing, "nothing"},
    {kNeedsHands, "it takes no orders of this server", Again::kNothing, kMover},
    {kNoAnswer, "it was ordered away several times, and gave no answer", Again::kOrder},
    {kWarrantExpired, "it was not reached before its warrant ran out", Again::kWarrant},
    {kCameBack, "it had moved, and was brought back: on its machine, or by agents approve here",
     Again::kNothing, "nothing: it stays here"},
    {"target-not-reached", "it does not reach the target at any of its addresses", Again::kOrder,
     "look at the way from the agent to the target (name, port, firewall)"},
    {"not-proved", "what answers at the target's address is another server", Again::kTarget},
    {"not-accepted", "the target does not expect it", Again::kOrder,
     "countersign move expect on the target"},
    {"not-committed", "its disk did not take the move", Again::kOrder, "mend its disk"},
    {"bad-warrant", "it does not take the warrant", Again::kWarrant},
    {"used-warrant", "the warrant was used up at it before", Again::kWarrant},
    {"not-allowed", "its local policy forbids moves", Again::kNothing, kMover},
    {"unknown-action", "its program knows no moves", Again::kNothing,
     "install it anew, or use the mover there"},
    {"busy", "another order to move was being carried out", Again::kOrder},
    {"interrupted", "it was ended in the middle", Again::kOrder},
    {"wrong-server", "the target's certificate is for another server", Again::kTarget},
    {"other-owner", "the target's bundle is of another owner than the warrant's", Again::kTarget},
    {"chain", "it cannot verify the target's bundle", Again::kTarget},
    {"older-generation", "the target's certificate is older than one that it has held",
     Again::kTarget},
    {"fork", "it has held another certificate of the target's generation", Again::kNothing, kMover},
    {"distrusted", "a certificate or key of the target is in its distrust list", Again::kOrder,
     "remove it from the distrust list on the agent, if the key is not stolen"},
    {"cannot-record", "it cannot remember one more server or warrant", Again::kNothing, kMover},
}};

const Failure* FindFailure(std::string_view reason) {
  const auto* const found = std::ranges::find(kFailures, reason, &Failure::reason);
  return found == kFailures.end() ? nullptr : found;
}

bool IsUnderWay(store::MoveState state) {
  return state == store::MoveState::kRunning || state == store::MoveState::kHalted;
}

// Nothing resumes a campaign that is over. The list that it began with is good for the next one.
std::string_view NextOf(Again again, bool under_way) {
  switch (again) {
    case Again::kNothing:
      return "";
    case Again::kOrder:
      return under_way ? "countersign move resume"
                       : "countersign move start (the list is still "
                         "good: who has moved is left out)";
    case Again::kWarrant:
      return under_way ? "countersign move abort, then countersign move start (which makes new "
                         "warrants)"
                       : "countersign move start (which makes new warrants; the list is still "
                         "good: who has moved is left out)";
    case Again::kTarget:
      return under_way ? "countersign move abort, then countersign move expect on the target, and "
                         "countersign move start with the new target.json"
                       : "countersign move expect on the target, then countersign move start with "
                         "the new target.json";
  }
  return "";
}

std::string NextOfFailed(const Failure* words, bool under_way) {
  const std::string_view again = NextOf(words == nullptr ? Again::kOrder : words->again, under_way);
  std::string next(words == nullptr ? "" : words->first);
  if (!next.empty() && !again.empty()) next += "; then ";
  return next + std::string(again);
}

}  // namespace

std::string MoveReasonText(std::string_view reason) {
  const auto* const words = FindFailure(reason);
  if (words != nullptr) return std::string(words->text);
  return reason.empty() ? "" : "it answered \"" + std::string(reason) + "\"";
}

std::string MoveNextStep(const store::MovingRow& row, store::MoveState campaign) {
  const bool under_way = IsUnderWay(campaign);
  switch (row.state) {
    case store::MovingState::kWaiting:
      return under_way ? "nothing: its turn comes" : std::string(NextOf(Again::kOrder, under_way));
    case store::MovingState::kOrdered:
      return under_way ? "nothing: it is called, or hears of it when it reports"
                       : "nothing: it was told already, and may still go";
    case store::MovingState::kMoved:
      return "nothing";
    case store::MovingState::kFailed:
      break;
  }
  return NextOfFailed(FindFailure(row.reason), under_way);
}

}  // namespace countersign::server
