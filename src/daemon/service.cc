#include "daemon/service.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <memory>
#include <string>

#include "net/or_end_process.h"
#include "net/service_manager.h"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;
constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

void Warn(Log& log, const Status& status) {
  if (!status) log.Write(LogLevel::kWarning, status.error().message);
}

asio::awaitable<void> FeedWatchdog(net::ServiceManager manager, std::shared_ptr<bool> running,
                                   Log& log) {
  const auto interval = manager.watchdog_interval();
  if (!interval) co_return;
  asio::steady_timer timer(co_await asio::this_coro::executor);
  while (*running) {
    Warn(log, manager.NotifyWatchdog());
    timer.expires_after(std::chrono::duration_cast<std::chrono::milliseconds>(*interval / 3));
    co_await timer.async_wait(kToken);
  }
}

// Until the signals are cancelled: whether somebody else wants the end meanwhile.
asio::awaitable<void> NoteEnd(asio::signal_set& signals, std::shared_ptr<bool> told) {
  for (;;) {
    const auto [failed, signal] = co_await signals.async_wait(kToken);
    if (failed) co_return;
    if (signal != SIGHUP) *told = true;
  }
}

asio::awaitable<bool> RunLifecycle(net::ServiceManager manager, Lifecycle lifecycle, Log& log) {
  const auto executor = co_await asio::this_coro::executor;
  asio::signal_set signals(executor, SIGTERM, SIGINT, SIGHUP);
  const auto running = std::make_shared<bool>(true);
  asio::co_spawn(executor, FeedWatchdog(manager, running, log), net::OrEndProcess());
  Warn(log, manager.NotifyReady());
  for (;;) {
    const auto [failed, signal] = co_await signals.async_wait(kToken);
    if (failed || signal != SIGHUP) break;
    Warn(log, manager.NotifyReloading());
    lifecycle.reload();
    Warn(log, manager.NotifyReady());
  }
  *running = false;
  const bool goes_on = lifecycle.goes_on && lifecycle.goes_on();
  Warn(log, goes_on ? manager.NotifyReloading() : manager.NotifyStopping());
  log.Write(LogLevel::kInfo, goes_on ? "restarting" : "stopping");
  const auto told = std::make_shared<bool>(!goes_on);
  asio::co_spawn(executor, NoteEnd(signals, told), net::OrEndProcess());
  co_await lifecycle.stop();
  signals.cancel();
  co_return !*told;
}

}  // namespace

void Waker::Wake() {
  woken_ = true;
  timer_.cancel();
}

asio::awaitable<void> Waker::Sleep(std::chrono::milliseconds most) {
  if (!woken_) {
    timer_.expires_after(most);
    co_await timer_.async_wait(kToken);
  }
  woken_ = false;
}

bool RunUntilStopped(asio::io_context& io, const Lifecycle& lifecycle, Log& log) {
  bool goes_on = false;
  asio::co_spawn(io, RunLifecycle(net::ServiceManager::FromEnvironment(), lifecycle, log),
                 [&](const std::exception_ptr& failed, bool answer) {
                   if (failed) std::rethrow_exception(failed);
                   goes_on = answer;
                   io.stop();
                 });
  io.run();
  return goes_on;
}

}  // namespace countersign::daemon
