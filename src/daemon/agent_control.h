#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <utility>

#include "agent/agent.h"
#include "agent/installation.h"
#include "daemon/mover_control.h"
#include "daemon/reporter.h"
#include "net/control_message.h"

namespace countersign::daemon {

// AgentControl answers local commands to a running agent: {"command": "status"}, {"command":
// "renew", "verify": true|false} with a certificate as blob, and {"command": "move", …}
// (mover_control.h). Answers as server::Admin's. One thread; everything given must outlive it.
class AgentControl {
 public:
  AgentControl(agent::Installation& installation, agent::Agent& agent, Reporter& reporter,
               RandomSource& random, Log& log, std::function<void()> begin_anew)
      : installation_(installation),
        agent_(agent),
        reporter_(reporter),
        random_(random),
        log_(log),
        begin_anew_(std::move(begin_anew)) {}

  [[nodiscard]] boost::asio::awaitable<net::ControlMessage> Handle(net::ControlMessage request);

 private:
  [[nodiscard]] boost::asio::awaitable<Result<MoveAnswer>> Move(const net::ControlMessage& request);
  [[nodiscard]] std::string ShowStatus() const;

  agent::Installation& installation_;
  agent::Agent& agent_;
  Reporter& reporter_;
  RandomSource& random_;
  Log& log_;
  // Ends the daemon after the answers under way, and has it read its folder anew.
  std::function<void()> begin_anew_;
  bool moving_ = false;
};

}  // namespace countersign::daemon
