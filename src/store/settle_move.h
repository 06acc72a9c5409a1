#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "store/agent_files.h"
#include "store/move_journal.h"

namespace countersign::store {

// LoadJournal reads the folder's file `move`; an empty journal if there is none. kDamaged.
[[nodiscard]] Result<MoveJournal> LoadJournal(const AgentFolder& folder);
// StoreJournal replaces it durably; an empty journal removes it.
[[nodiscard]] Status StoreJournal(AgentFolder& folder, const MoveJournal& journal);

// SettleMove ends a move that was stopped half-way, before anything else of the folder is used: if
// the trust state on the disk is that of the plan, agent.toml and OfcNTCer.dat follow it; otherwise
// the plan is dropped. What stood in agent.toml is kept as agent.toml.old if the plan has more than
// values changed in it (store/config_edit.h). It can be called again, whatever it returned.
struct SettledMove {
  bool happened = false;  // there was a plan, and it is carried through
  // The move has happened and the disk does not let it be finished (`failure` says why): what
  // agent.toml has to say. The next call tries again.
  std::optional<std::string> config = {};
  std::string failure = {};
};
// Fails only if the plan or the trust state cannot be read.
[[nodiscard]] Result<SettledMove> SettleMove(AgentFolder& folder);

}  // namespace countersign::store
