#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

// For tests of net/ only.

namespace countersign::net::testing {

// RunLoop runs `body` on a fresh io_context until nothing is left to do; fails the test and returns
// when `limit` has passed or `body` throws.
void RunLoop(std::function<boost::asio::awaitable<void>(boost::asio::any_io_executor)> body,
             std::chrono::seconds limit = std::chrono::seconds(20));

// Spawn runs a coroutine beside the caller, on its executor.
void Spawn(const boost::asio::any_io_executor& executor, boost::asio::awaitable<void> work);

// InThread runs blocking work on a thread of its own and waits for it without blocking the loop.
boost::asio::awaitable<void> InThread(std::function<void()> work);

// Event lets one coroutine wait for another.
class Event {
 public:
  explicit Event(const boost::asio::any_io_executor& executor);
  ~Event();
  void Set();
  boost::asio::awaitable<void> Wait();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// RawPeer is a TCP connection on loopback (127.0.0.1 unless told) without any protocol.
class RawPeer {
 public:
  static boost::asio::awaitable<RawPeer> Connect(std::uint16_t port,
                                                 std::string source = "127.0.0.1");
  RawPeer(RawPeer&&) noexcept;
  ~RawPeer();

  boost::asio::awaitable<void> Send(std::string text);
  // ReadUntil reads until `mark` has come, or the end; returns all of it.
  boost::asio::awaitable<std::string> ReadUntil(std::string mark);
  // ReadAll reads until the other side closes or resets.
  boost::asio::awaitable<std::string> ReadAll();
  void ShutdownSend();

 private:
  friend class RawListener;
  struct State;
  explicit RawPeer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// RawListener accepts on 127.0.0.1 and a port of its own.
class RawListener {
 public:
  explicit RawListener(const boost::asio::any_io_executor& executor);
  ~RawListener();
  [[nodiscard]] std::uint16_t port() const;
  boost::asio::awaitable<RawPeer> Accept();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// ScratchFolder is a folder of its own, removed at the end.
class ScratchFolder {
 public:
  ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace countersign::net::testing
