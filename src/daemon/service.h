#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "base/log.h"

// What both daemons share: life from start to a clean stop, as systemd expects it.
namespace countersign::daemon {

// Waker lets one coroutine sleep until a time, or until another wakes it. One thread.
class Waker {
 public:
  explicit Waker(const boost::asio::any_io_executor& executor) : timer_(executor) {}
  void Wake();
  // Sleep returns when `most` has passed, or at once if Wake was called since the last Sleep.
  [[nodiscard]] boost::asio::awaitable<void> Sleep(std::chrono::milliseconds most);

 private:
  boost::asio::steady_timer timer_;
  bool woken_ = false;
};

// Lifecycle says what a daemon does at the events of its life.
struct Lifecycle {
  std::function<void()> reload;                        // SIGHUP
  std::function<boost::asio::awaitable<void>()> stop;  // SIGTERM, SIGINT: then the loop ends
  // Whether this process goes on after the stop (its program anew): the service manager is told of
  // a reload then. Empty: it does not.
  std::function<bool()> goes_on = {};
};

// RunUntilStopped runs the loop: tells the service manager that the daemon is ready, keeps its
// watchdog fed, and answers signals; returns after `stop` has ended. True if the process goes on:
// `goes_on` said so, and no SIGTERM or SIGINT came while it stopped.
[[nodiscard]] bool RunUntilStopped(boost::asio::io_context& io, const Lifecycle& lifecycle,
                                   Log& log);

}  // namespace countersign::daemon
