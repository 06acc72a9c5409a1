#pragma once

#include <boost/asio/awaitable.hpp>

#include "agent/acts.h"
#include "daemon/transfer.h"

namespace countersign::daemon {

// MoveByOrder carries out an order to move whose warrant and bundle were judged
// (agent/move_order.h, protocol section 8): the target's addresses are tried one after another; the
// first server there that proves itself and accepts this agent has it. Anything else changes
// nothing. `ended` is what the order's receipt says; `begin_anew`: the agent has moved, and has to
// read its folder anew once that receipt is on its way. Bounded by the timeouts of four exchanges
// for each address.
struct OrderedMove {
  agent::ActEnded ended;
  bool begin_anew = false;
};
[[nodiscard]] boost::asio::awaitable<OrderedMove> MoveByOrder(AgentInUse use,
                                                              agent::MoveAgent move);

}  // namespace countersign::daemon
