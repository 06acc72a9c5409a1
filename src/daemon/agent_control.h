#pragma once

#include <boost/asio/awaitable.hpp>

#include "agent/agent.h"
#include "agent/installation.h"
#include "daemon/reporter.h"
#include "net/control_message.h"

namespace countersign::daemon {

// AgentControl answers local commands to a running agent: {"command": "status"} and
// {"command": "renew", "verify": true|false} with a certificate as blob. Answers as
// server::Admin's. One thread; everything given must outlive it.
class AgentControl {
 public:
  AgentControl(agent::Installation& installation, agent::Agent& agent, Reporter& reporter,
               RandomSource& random, Log& log)
      : installation_(installation),
        agent_(agent),
        reporter_(reporter),
        random_(random),
        log_(log) {}

  [[nodiscard]] boost::asio::awaitable<net::ControlMessage> Handle(net::ControlMessage request);

 private:
  [[nodiscard]] boost::asio::awaitable<Result<std::string>> RenewTrust(const Bytes& certificate,
                                                                       bool verify);
  [[nodiscard]] std::string ShowStatus() const;

  agent::Installation& installation_;
  agent::Agent& agent_;
  Reporter& reporter_;
  RandomSource& random_;
  Log& log_;
};

}  // namespace countersign::daemon
