#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <utility>

// Private to net/.

namespace countersign::net {

// GuardedSocket is a stream socket that closes itself when a deadline passes, whatever operation is
// under way or comes next. One timer serves a whole connection: moving the deadline back costs no
// call into the timer queue. Shared, because a timer that fired may still be queued when the
// connection ends. One thread.
template <class Protocol>
class GuardedSocket : public std::enable_shared_from_this<GuardedSocket<Protocol>> {
 public:
  using Clock = std::chrono::steady_clock;
  using Socket = boost::asio::basic_stream_socket<Protocol>;

  explicit GuardedSocket(Socket socket)
      : socket_(std::move(socket)), timer_(socket_.get_executor()) {}

  [[nodiscard]] Socket& socket() { return socket_; }
  [[nodiscard]] bool timed_out() const { return timed_out_; }

  void ExpireAfter(Clock::duration duration) { ExpireAt(Clock::now() + duration); }
  void ExpireAt(Clock::time_point deadline) {
    deadline_ = deadline;
    if (!waiting_ || deadline_ < timer_.expiry()) Wait();
  }
  void NeverExpire() { deadline_ = Clock::time_point::max(); }

  void Close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
    ++generation_;
    waiting_ = false;
    timer_.cancel();
  }

 private:
  void Wait() {
    waiting_ = true;
    timer_.expires_at(deadline_);
    timer_.async_wait([self = this->shared_from_this(), generation = ++generation_](auto) {
      if (generation == self->generation_) self->OnTimer();
    });
  }
  void OnTimer() {
    waiting_ = false;
    if (deadline_ == Clock::time_point::max()) return;
    if (Clock::now() < deadline_) return Wait();
    timed_out_ = true;
    Close();
  }

  Socket socket_;
  boost::asio::steady_timer timer_;
  Clock::time_point deadline_ = Clock::time_point::max();
  std::uint64_t generation_ = 0;  // tells a wait from those it replaced
  bool waiting_ = false;
  bool timed_out_ = false;
};

}  // namespace countersign::net
