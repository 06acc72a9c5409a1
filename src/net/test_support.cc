#include "net/test_support.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <thread>

namespace countersign::net::testing {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using tcp = asio::ip::tcp;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

void ReportException(const std::exception_ptr& thrown) {
  if (!thrown) return;
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& exception) {
    ADD_FAILURE() << "coroutine threw: " << exception.what();
  }
}

}  // namespace

void RunLoop(std::function<awaitable<void>(asio::any_io_executor)> body,
             std::chrono::seconds limit) {
  asio::io_context io(1);
  bool ended = false;
  asio::co_spawn(io, body(io.get_executor()), [&ended](const std::exception_ptr& thrown) {
    ended = true;
    ReportException(thrown);
  });
  io.run_for(limit);
  EXPECT_TRUE(ended) << "the test did not end in time";
  EXPECT_TRUE(io.stopped()) << "something was left behind";
}

void Spawn(const asio::any_io_executor& executor, awaitable<void> work) {
  asio::co_spawn(executor, std::move(work), ReportException);
}

awaitable<void> InThread(std::function<void()> work) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  Event ended(executor);
  std::thread thread([&] {
    work();
    asio::post(executor, [&ended] { ended.Set(); });
  });
  co_await ended.Wait();
  thread.join();
}

struct Event::State {
  explicit State(const asio::any_io_executor& executor)
      : timer(executor, std::chrono::steady_clock::time_point::max()) {}
  asio::steady_timer timer;
  bool set = false;
};
Event::Event(const asio::any_io_executor& executor) : state_(std::make_unique<State>(executor)) {}
Event::~Event() = default;
void Event::Set() {
  state_->set = true;
  state_->timer.cancel();
}
awaitable<void> Event::Wait() {
  if (!state_->set) co_await state_->timer.async_wait(kAwait);
}

struct RawPeer::State {
  tcp::socket socket;
};
RawPeer::RawPeer(std::unique_ptr<State> state) : state_(std::move(state)) {}
RawPeer::RawPeer(RawPeer&&) noexcept = default;
RawPeer::~RawPeer() = default;

awaitable<RawPeer> RawPeer::Connect(std::uint16_t port, std::string source) {
  const auto executor = co_await asio::this_coro::executor;
  const auto address = asio::ip::make_address(source);
  auto state = std::make_unique<State>(tcp::socket(executor, tcp::endpoint(address, 0)));
  const auto loopback = address.is_v4() ? asio::ip::address(asio::ip::address_v4::loopback())
                                        : asio::ip::address_v6::loopback();
  const auto [error] = co_await state->socket.async_connect(tcp::endpoint(loopback, port), kAwait);
  EXPECT_FALSE(error) << error.message();
  co_return RawPeer(std::move(state));
}

awaitable<void> RawPeer::Send(std::string text) {
  // An error shows in what is read afterwards.
  co_await asio::async_write(state_->socket, asio::buffer(text), kAwait);
}

awaitable<std::string> RawPeer::ReadUntil(std::string mark) {
  std::string all;
  std::array<char, 4096> buffer{};
  while (all.find(mark) == all.npos) {
    const auto [error, len] = co_await state_->socket.async_read_some(asio::buffer(buffer), kAwait);
    if (error) break;
    all.append(buffer.data(), len);
  }
  co_return all;
}

awaitable<std::string> RawPeer::ReadAll() { return ReadUntil(std::string("\0never sent\0", 12)); }

void RawPeer::ShutdownSend() {
  boost::system::error_code ignored;
  state_->socket.shutdown(tcp::socket::shutdown_send, ignored);
}

struct RawListener::State {
  tcp::acceptor acceptor;
};
RawListener::RawListener(const asio::any_io_executor& executor)
    : state_(std::make_unique<State>(
          tcp::acceptor(executor, tcp::endpoint(asio::ip::address_v4::loopback(), 0)))) {}
RawListener::~RawListener() = default;
std::uint16_t RawListener::port() const { return state_->acceptor.local_endpoint().port(); }
awaitable<RawPeer> RawListener::Accept() {
  tcp::socket socket(state_->acceptor.get_executor());
  const auto [error] = co_await state_->acceptor.async_accept(socket, kAwait);
  EXPECT_FALSE(error) << error.message();
  co_return RawPeer(std::make_unique<RawPeer::State>(std::move(socket)));
}

ScratchFolder::ScratchFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "net-test-XXXXXX").string();
  EXPECT_NE(mkdtemp(pattern.data()), nullptr);
  path_ = pattern;
}
ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace countersign::net::testing
