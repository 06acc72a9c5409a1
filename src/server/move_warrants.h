#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/time.h"
#include "server/world.h"
#include "wire/warrant.h"

namespace countersign::server {

// What warrants for a move shall say. `agents`: by the server that they belong to, since a warrant
// is for those of one; there is one for each kAgentsInWarrant (move.h) of them. No agents: all of
// that server. No server: all of each that the backup holds.
struct MoveWarrants {
  std::map<ServerId, std::vector<AgentId>> agents = {};
  wire::MoveTarget target;
  Seconds life = wire::kMaxWarrantLife;
};

// MakeMoveWarrants signs them with the owner key of an automatic backup (the octets of the file),
// opened with its password: where the server is, or on a machine without network. kWrongPassword;
// kRefused: the file holds no owner key, or does not know a server; kUsage: the life. Slow: about
// a second.
[[nodiscard]] Result<std::vector<std::string>> MakeMoveWarrants(ByteView backup,
                                                                const SecretBytes& password,
                                                                const MoveWarrants& request,
                                                                RandomSource& random, Instant now);

}  // namespace countersign::server
