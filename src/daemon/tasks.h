#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <set>

#include "agent/agent.h"
#include "base/log.h"
#include "daemon/reporter.h"
#include "daemon/transfer.h"

namespace countersign::daemon {

// Tasks carries out what acts leave to the daemon (agent::Deed). To add one: an overload of
// Carry(…) that ends with End(…). One thread; everything given must outlive it.
class Tasks {
 public:
  Tasks(boost::asio::any_io_executor executor, AgentInUse use, Reporter& reporter)
      : executor_(std::move(executor)),
        use_(use),
        agent_(use.agent),
        reporter_(reporter),
        log_(use.log) {}

  // Look begins what the agent has left since. Call it after every order and reply.
  void Look();
  // Stop gives up what is under way: programs are killed; their orders become `interrupted`.
  void Stop();
  // restarting: an order wants this process to go on as its program anew, or has moved the agent;
  // SIGTERM to itself ends the loop once its receipt has gone.
  [[nodiscard]] bool restarting() const { return raised_; }

 private:
  [[nodiscard]] boost::asio::awaitable<void> Carry(Jti jti, agent::RunProgram program);
  [[nodiscard]] boost::asio::awaitable<void> Carry(Jti jti, agent::MoveAgent move);
  [[nodiscard]] boost::asio::awaitable<void> Restart();
  void End(const Jti& jti, const agent::ActEnded& ended);

  boost::asio::any_io_executor executor_;
  AgentInUse use_;
  agent::Agent& agent_;
  Reporter& reporter_;
  Log& log_;
  std::set<Waker*> running_;  // of the programs under way
  bool moves_ = false;        // an order to move is carried out
  bool restart_begun_ = false;
  bool raised_ = false;  // a stop before it is somebody else's, and is one
  bool stopping_ = false;
};

}  // namespace countersign::daemon
