#include "wire/json.h"
#include "wire/messages.h"
#include "wire/parts.h"

namespace countersign::wire {
namespace {

// Far above any form of {"challenge":"…"} with 128 characters.
constexpr std::size_t kMaxChallengeAnswerLen = 1024;

}  // namespace

std::string FormatChallengeAnswer(std::string_view challenge) {
  Check(IsChallenge(challenge), "an answer with what is not a challenge");
  return R"({"challenge":")" + std::string(challenge) + R"("})";
}

Result<std::string> ParseChallengeAnswer(std::string_view body) {
  if (body.size() > kMaxChallengeAnswerLen) return Fail(Code::kMalformed, "challenge: too long");
  JsonArena arena;
  const auto object = ParseJsonObject(body, arena.storage());
  if (!object) return WithContext("challenge", object.error());
  Members members(*object, "challenge");
  std::string challenge(members.Text("challenge"));
  if (!IsChallenge(challenge)) members.Refuse("challenge", "is not 1 to 128 base64url characters");
  COUNTERSIGN_RETURN_IF_ERROR(members.Finish());
  return challenge;
}

}  // namespace countersign::wire
