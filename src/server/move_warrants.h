#pragma once

#include <string>
#include <vector>

#include "base/secret.h"
#include "base/time.h"
#include "server/world.h"
#include "wire/warrant.h"

namespace countersign::server {

// What warrants for a move shall say. `agents`: empty is all agents of the server; otherwise there
// is one warrant for each kAgentsInWarrant (move.h) of them.
struct MoveWarrants {
  ServerId server;  // whose agents they are for
  wire::MoveTarget target;
  std::vector<AgentId> agents = {};
  Seconds life = wire::kMaxWarrantLife;
};

// MakeMoveWarrants signs them with the owner key of an automatic backup (the octets of the file),
// opened with its password: where the server is, or on a machine without network. kWrongPassword;
// kRefused: the file holds no owner key, or does not know the server; kUsage: the life. Slow: about
// a second.
[[nodiscard]] Result<std::vector<std::string>> MakeMoveWarrants(ByteView backup,
                                                                const SecretBytes& password,
                                                                const MoveWarrants& request,
                                                                RandomSource& random, Instant now);

}  // namespace countersign::server
