#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <utility>
#include <vector>

// Private to net/.

namespace countersign::net {

// SessionSet owns the connections of a server and ends them in order. A Session has Run(), Close(),
// is_idle() (closing it loses nothing) and cancellation() (a cancellation_signal). One thread;
// lives in a shared_ptr, because sessions may end after their server.
template <class Session>
class SessionSet : public std::enable_shared_from_this<SessionSet<Session>> {
 public:
  using SessionPtr = std::shared_ptr<Session>;

  explicit SessionSet(const boost::asio::any_io_executor& executor) : empty_(executor) {}

  [[nodiscard]] std::size_t size() const { return sessions_.size(); }

  // Start runs the session beside the caller; `ended` is called when it is over and forgotten.
  void Start(SessionPtr session, std::function<void(Session&)> ended) {
    sessions_.insert(session);
    auto on_end = [self = this->shared_from_this(), session,
                   ended = std::move(ended)](const std::exception_ptr&) {
      session->Close();
      self->sessions_.erase(session);
      ended(*session);
      if (self->sessions_.empty()) self->empty_.cancel();
    };
    auto slot = session->cancellation().slot();
    boost::asio::co_spawn(empty_.get_executor(), session->Run(),
                          boost::asio::bind_cancellation_slot(slot, std::move(on_end)));
  }

  // Drain closes the idle ones, gives the others `limit`, cancels them, and gives that a second.
  boost::asio::awaitable<void> Drain(std::chrono::milliseconds limit) {
    for (const SessionPtr& session : Copy()) {
      if (session->is_idle()) session->Close();
    }
    co_await WaitUntilEmpty(limit);
    Abort();
    co_await WaitUntilEmpty(std::chrono::seconds(1));
  }

  // Abort closes all and cancels what their handlers are doing, without waiting.
  void Abort() {
    for (const SessionPtr& session : Copy()) {
      session->Close();
      session->cancellation().emit(boost::asio::cancellation_type::terminal);
    }
  }

 private:
  // A copy, because closing a session may end it.
  [[nodiscard]] std::vector<SessionPtr> Copy() const {
    return {sessions_.begin(), sessions_.end()};
  }

  boost::asio::awaitable<void> WaitUntilEmpty(std::chrono::milliseconds limit) {
    if (sessions_.empty()) co_return;
    empty_.expires_after(limit);
    co_await empty_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }

  boost::asio::steady_timer empty_;
  std::set<SessionPtr> sessions_;
};

}  // namespace countersign::net
