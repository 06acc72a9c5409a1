#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/secret.h"
#include "wire/warrant.h"

// The owner's part of an unlock or a move (protocol section 8): needs no server, only a copy of its
// automatic backup and the password, wherever they are.
namespace countersign::server {

inline constexpr Seconds kUsualWarrantLife = std::chrono::hours(24 * 7);

struct WarrantRequest {
  wire::WarrantAct act = wire::WarrantAct::kUnlock;
  std::vector<AgentId> agents = {};             // empty: all of the server; for kUnlock one
  std::optional<wire::MoveTarget> target = {};  // with kMove, and with it alone
  std::optional<ServerId> server = {};          // none: the only one that the backup holds
  Seconds life = kUsualWarrantLife;             // at most wire::kMaxWarrantLife
};
struct MadeWarrant {
  std::string text;  // compact serialisation
  wire::Warrant warrant;
};

// MakeWarrant signs with the owner key in `backup`, the octets of an automatic backup
// (OfficeScanAuth.dat). An imported identity's owner key is its server key: that signs, as agents
// hold it. kWrongPassword; kRefused: no owner key in it, or a server id that it does not hold;
// kUsage: a limit of wire/warrant.h.
[[nodiscard]] Result<MadeWarrant> MakeWarrant(ByteView backup, const SecretBytes& password,
                                              const WarrantRequest& request, RandomSource& random,
                                              Instant now);

}  // namespace countersign::server
