#include <algorithm>
#include <array>

#include "server/move.h"

// Why an agent of a campaign is not moved, for people.
namespace countersign::server {
namespace {

struct Words {
  std::string_view reason;
  std::string_view text;
  std::string_view next;
};

constexpr std::string_view kResume = "countersign move resume orders it anew";
constexpr std::string_view kMover =
    "IpXfer -s NEW_SERVER -p PORT -sp PORT -c PORT -e OfcNTCer.dat of the new server (on the "
    "agent)";
constexpr std::string_view kAnnounce =
    "countersign move expect on the target, then countersign move resume here";

constexpr std::array<Words, 22> kWords = {{
    {kGone, "it was removed here meanwhile", "nothing"},
    {kNeedsHands, "it takes no orders of this server", kMover},
    {kNoAnswer, "it was ordered away several times, and gave no answer", kResume},
    {kWarrantExpired, "it was not reached before its warrant ran out",
     "countersign move start (for those that are left)"},
    {kCameBack, "it had moved, and was brought back on its machine", "nothing"},
    {"target-not-reached", "it does not reach the target at any of its addresses",
     "look at the way from the agent to the target (name, port, firewall); then countersign move "
     "resume"},
    {"not-proved", "what answers at the target's address is another server", kAnnounce},
    {"not-accepted", "the target does not expect it", kAnnounce},
    {"not-committed", "its disk did not take the move",
     "mend its disk; then countersign move resume"},
    {"bad-warrant", "it does not take the warrant",
     "countersign move abort, then start with a new warrant"},
    {"used-warrant", "the warrant was used up at it before",
     "countersign move abort, then start with a new warrant"},
    {"not-allowed", "its local policy forbids moves", kMover},
    {"unknown-action", "its program knows no moves", "install it anew, or use the mover there"},
    {"busy", "another order to move was being carried out", kResume},
    {"interrupted", "it was ended in the middle", kResume},
    {"wrong-server", "the target's certificate is for another server", kAnnounce},
    {"other-owner", "the target's bundle is of another owner than the warrant's", kAnnounce},
    {"chain", "it cannot verify the target's bundle", kAnnounce},
    {"older-generation", "the target's certificate is older than one that it has held", kAnnounce},
    {"fork", "it has held another certificate of the target's generation", kMover},
    {"distrusted", "a certificate or key of the target is in its distrust list",
     "remove it from the distrust list on the agent, if the key is not stolen"},
    {"cannot-record", "it cannot remember one more server or warrant", kMover},
}};

const Words* FindWords(std::string_view reason) {
  const auto* const found = std::ranges::find(kWords, reason, &Words::reason);
  return found == kWords.end() ? nullptr : found;
}

}  // namespace

std::string MoveReasonText(std::string_view reason) {
  const auto* const words = FindWords(reason);
  if (words != nullptr) return std::string(words->text);
  return reason.empty() ? "" : "it answered \"" + std::string(reason) + "\"";
}

std::string MoveNextStep(const store::MovingRow& row) {
  switch (row.state) {
    case store::MovingState::kWaiting:
      return "nothing: its turn comes";
    case store::MovingState::kOrdered:
      return "nothing: it is called, or hears of it when it reports";
    case store::MovingState::kMoved:
      return "nothing";
    case store::MovingState::kFailed:
      break;
  }
  const auto* const words = FindWords(row.reason);
  return std::string(words == nullptr ? kResume : words->next);
}

}  // namespace countersign::server
