#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/agent_files.h"
#include "store/config.h"
#include "trust/trust_state.h"

namespace countersign::mover {

// Place is where an agent is to belong, as the mover's switches or a warrant say it.
struct Place {
  std::string host;  // name or address
  std::uint16_t http_port = 8080;
  std::uint16_t https_port = 4343;
  std::optional<bool> tls = {};                   // by which of the two; nothing: as before
  std::optional<std::uint16_t> listen_port = {};  // the agent's own; nothing: as before
  std::optional<std::string> domain = {};         // nothing: as before
  // Of a package of the target; none: a repair keeps what there is, a move has neither.
  std::optional<wire::EnrolToken> enrol = {};
  std::vector<Digest> web_keys = {};
};

// Transfer is a move to another server, or the repair of an agent where it is, before it happens.
struct Transfer {
  enum class Kind { kRepair, kMove };  // a repair: the server id stays
  Kind kind = Kind::kMove;
  store::AgentConfig now;     // agent.toml
  store::AgentConfig config;  // as it will be
  trust::TrustState held;
  trust::TrustState to_be;
};

// PlanTransfer lays it out. `to_be` is the trust state that the target has to prove: FirstTrust of
// a certificate given by local authority, or what an accepted bundle leads to. kUsage: a value that
// agent.toml cannot have.
[[nodiscard]] Result<Transfer> PlanTransfer(const Place& place, const store::AgentConfig& now,
                                            const trust::TrustState& held, trust::TrustState to_be);

// CommitTransfer makes it happen: the plan is written, then the trust state is replaced by `proved`
// (TargetExchange's answer) with `adopt`, which is the one step, and then agent.toml follows, with
// its comments (store/config_edit.h). On an error before that step nothing has changed; once it is
// done this succeeds, and what is left over is done by store::SettleMove at the next opening of the
// folder (`unfinished` says what went wrong then). The agent has to read its folder anew.
struct Committed {
  std::string unfinished;  // empty: nothing is left over
};
using Adopt = std::function<Status(const trust::TrustState&)>;
[[nodiscard]] Result<Committed> CommitTransfer(store::AgentFolder& folder, const Transfer& transfer,
                                               const trust::TrustState& proved, const Adopt& adopt);

// KindName returns the stable word: "repair", "move".
[[nodiscard]] std::string_view KindName(Transfer::Kind kind);

}  // namespace countersign::mover
