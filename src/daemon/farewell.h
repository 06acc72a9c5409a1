#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "daemon/service.h"
#include "daemon/transfer.h"
#include "store/move_journal.h"

namespace countersign::daemon {

// Once an hour for eight days, counted by tries and so by no clock.
inline constexpr std::uint16_t kMaxFarewells = 192;

// TellFormer tells servers that the agent has left them, one try each, and writes down in the
// folder who is told or given up. Two reports: the first gets a nonce, the second is proved new by
// it; only answers that the server signed count (mover/farewell.h). Returns whether everybody is
// told. Never fails: it is no matter of the move's.
[[nodiscard]] boost::asio::awaitable<bool> TellFormer(AgentInUse use);

// Farewells goes on with it while the agent runs. One thread; everything given must outlive it.
class Farewells {
 public:
  Farewells(const boost::asio::any_io_executor& executor, AgentInUse use)
      : use_(use), waker_(executor) {}
  [[nodiscard]] boost::asio::awaitable<void> Run();
  void Stop();

 private:
  AgentInUse use_;
  Waker waker_;
  bool stopping_ = false;
};

}  // namespace countersign::daemon
