#include "server/move_warrants.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "server/issuing_internal.h"
#include "server/move.h"

namespace countersign::server {
namespace {

Status CheckServer(const keys::BackupContents& backup, const ServerId& server) {
  const auto& known = backup.manifest->server_ids;
  if (std::ranges::find(known, server) != known.end()) return {};
  return Fail(Code::kRefused,
              "the automatic backup does not hold the server id " + server.Text() +
                  ": it is another server's",
              "countersign owner show (on the server whose agents move)");
}

// SignFor signs those for these agents of one server; for none, one for all.
Result<std::vector<std::string>> SignFor(const std::vector<AgentId>& agents, wire::Warrant warrant,
                                         const crypto::PrivateKey& owner, RandomSource& random) {
  std::vector<std::string> warrants;
  std::size_t done = 0;
  do {
    const std::size_t some = std::min(kAgentsInWarrant, agents.size() - done);
    const auto from = agents.begin() + static_cast<std::ptrdiff_t>(done);
    warrant.agents.assign(from, from + static_cast<std::ptrdiff_t>(some));
    warrant.jti = random.Token();
    auto text = wire::SignWarrant(warrant, owner);
    if (!text) return std::unexpected(std::move(text).error());
    warrants.push_back(*std::move(text));
    done += some;
  } while (done < agents.size());
  return warrants;
}

}  // namespace

Result<std::vector<std::string>> MakeMoveWarrants(ByteView backup, const SecretBytes& password,
                                                  const MoveWarrants& request, RandomSource& random,
                                                  Instant now) {
  if (request.life <= Seconds(0) || request.life > wire::kMaxWarrantLife) {
    return Fail(Code::kUsage, "a warrant is good for 1 to 30 days");
  }
  const auto contents = OpenBackupCopy(backup, password);
  if (!contents) return std::unexpected(contents.error());
  const auto owner = OwnerIn(*contents);
  if (!owner) return std::unexpected(owner.error());
  // Not of another program's file, which may hold a key that signs itself.
  if (!contents->manifest) return Fail(Code::kRefused, "the file is no automatic backup");
  auto groups = request.agents;
  if (groups.empty()) {
    for (const ServerId& server : contents->manifest->server_ids) groups[server] = {};
  }
  const auto iat = static_cast<std::uint64_t>(ToUnix(now));
  wire::Warrant draft{.x5c = owner->certificate.der(),
                      .jti = {},
                      .iat = iat,
                      .exp = iat + static_cast<std::uint64_t>(request.life.count()),
                      .server = {},
                      .act = wire::WarrantAct::kMove,
                      .agents = {},
                      .target = request.target};
  std::vector<std::string> warrants;
  for (const auto& [server, agents] : groups) {
    COUNTERSIGN_RETURN_IF_ERROR(CheckServer(*contents, server));
    draft.server = server;
    auto some = SignFor(agents, draft, owner->key, random);
    if (!some) return some;
    std::ranges::move(*some, std::back_inserter(warrants));
  }
  return warrants;
}

}  // namespace countersign::server
