#pragma once

#include <string>

#include "base/user.h"
#include "server/admin.h"
#include "server/world.h"

// What goes into the server's history, docs/events.md: never a secret, never what somebody typed.
namespace countersign::server {

// RecordEvent adds an event, as done by the administrator whose request is being carried out
// (World::by), or by the server itself. An operation with keys gets its line in the history, too
// (history.h, also for `earlier`): REQUIRES for these: called inside the transaction of the
// operation, after its certificates.
[[nodiscard]] Status RecordEvent(World& world, store::EventRow event, ByteView earlier = {});

// ActorOf is the user that the operating system names, with what the program of that user says
// beside it in `request` ("from": {"terminal", "login"}): bounded, and without control characters.
[[nodiscard]] store::Actor ActorOf(const User& user, const AdminMessage& request);
// ThisActor is who runs this program.
[[nodiscard]] store::Actor ThisActor();
// ActorText is for people: "alice (uid 1000)".
[[nodiscard]] std::string ActorText(const store::Actor& actor);

}  // namespace countersign::server
