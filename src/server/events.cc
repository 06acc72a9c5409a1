#include "server/events.h"

#include <algorithm>
#include <utility>

#include "server/history.h"

namespace countersign::server {
namespace {

constexpr std::size_t kMaxClaimLen = 64;

std::string Claim(const AdminMessage& request, std::string_view name) {
  const auto* const from = request.json.if_contains("from");
  if (from == nullptr || !from->is_object()) return {};
  const auto* const value = from->get_object().if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  std::string text(std::string_view(value->get_string()).substr(0, kMaxClaimLen));
  std::ranges::replace_if(text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

}  // namespace

Status RecordEvent(World& world, store::EventRow event, ByteView earlier) {
  event.by = world.by;
  COUNTERSIGN_RETURN_IF_ERROR(world.registry.AddEvent(event));
  return IsKeyEvent(event.kind) ? AppendHistory(world, event, earlier) : Status();
}

store::Actor ActorOf(const User& user, const AdminMessage& request) {
  return {user.uid, user.name, Claim(request, "terminal"), Claim(request, "login")};
}

store::Actor ThisActor() {
  const User user = RealUser();
  return {user.uid, user.name, TerminalName(), LoginName()};
}

std::string ActorText(const store::Actor& actor) {
  return actor.name + " (uid " + std::to_string(actor.uid) + ")";
}

}  // namespace countersign::server
