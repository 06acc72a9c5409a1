#include "daemon/service.h"

#include <gtest/gtest.h>

#include <boost/asio/use_awaitable.hpp>
#include <csignal>

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;

struct SilentLog final : Log {
  void Write(LogLevel /*level*/, std::string_view /*text*/) override {}
};

// GoesOn runs a daemon that is told to stop at once, and gets `signal` (0: none) while it stops.
bool GoesOn(bool wants_to, int signal) {
  asio::io_context io(1);
  SilentLog log;
  asio::steady_timer at_once(io, std::chrono::milliseconds(1));  // after the signals are awaited
  at_once.async_wait([](const boost::system::error_code&) { std::raise(SIGTERM); });
  const auto stop = [&]() -> asio::awaitable<void> {
    if (signal != 0) std::raise(signal);
    asio::steady_timer later(io, std::chrono::milliseconds(10));
    co_await later.async_wait(asio::use_awaitable);
  };
  return RunUntilStopped(io, {.reload = [] {}, .stop = stop, .goes_on = [=] { return wants_to; }},
                         log);
}

TEST(ServiceTest, GoesOnOnlyIfItWantsTo) {
  EXPECT_TRUE(GoesOn(true, 0));
  EXPECT_FALSE(GoesOn(false, 0));
}

TEST(ServiceTest, ToldToEndWhileItBeginsAnewItEnds) {
  EXPECT_FALSE(GoesOn(true, SIGTERM));
  EXPECT_FALSE(GoesOn(true, SIGINT));
  EXPECT_TRUE(GoesOn(true, SIGHUP));
}

}  // namespace
}  // namespace countersign::daemon
