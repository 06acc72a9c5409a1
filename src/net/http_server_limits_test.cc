#include <gtest/gtest.h>

#include "net/http_fixture.h"
#include "net/http_server.h"
#include "net/test_support.h"

// Who gets a connection when there are more callers than connections.
namespace countersign::net {
namespace {

using boost::asio::any_io_executor;
using boost::asio::awaitable;
using testing::InThread;
using testing::RawPeer;
using testing::RunLoop;

constexpr const char* kKnown = "127.0.0.99";

// Four connections, of which one is for 127.0.0.99 alone.
HttpServerOptions Four() {
  HttpServerOptions options;
  options.address = IpAddress::FromV4({127, 0, 0, 1});
  options.max_connections = 4;
  options.max_per_source = 2;
  options.reserved = 1;
  options.is_known = [](const IpAddress& source) { return source.Text() == kKnown; };
  return options;
}

awaitable<HttpResponse> Answer(HttpRequest) { co_return MakeText(200, "answered"); }

HttpServer ListenForFour(const any_io_executor& executor) {
  auto server = HttpServer::Listen(executor, Four(), Answer);
  if (!server) ADD_FAILURE() << server.error().message;
  return std::move(server).value();
}

// Open makes a connection that the server has accepted and that sends nothing.
awaitable<RawPeer> Open(const HttpServer& server, std::string source) {
  const auto before = server.counts().accepted;
  RawPeer peer = co_await RawPeer::Connect(server.port(), source);
  while (server.counts().accepted == before) co_await InThread([] {});
  co_return peer;
}

awaitable<std::string> Ask(RawPeer& peer) {
  co_await peer.Send(kGet);
  co_return co_await peer.ReadUntil("answered\n");
}

TEST(HttpServerLimits, NewConnectionTakesThePlaceOfTheLongestWaiting) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    HttpServer server = ListenForFour(executor);
    RawPeer first = co_await Open(server, "127.0.0.2");
    RawPeer second = co_await Open(server, "127.0.0.3");
    RawPeer third = co_await Open(server, "127.0.0.4");
    RawPeer late = co_await Open(server, "127.0.0.5");
    EXPECT_EQ(co_await first.ReadAll(), "");
    EXPECT_EQ(server.counts().displaced, 1U);
    for (RawPeer* peer : {&second, &third, &late}) {
      const std::string answer = co_await Ask(*peer);
      EXPECT_NE(answer.find("200 OK"), std::string::npos);
    }
    co_await server.Stop();
  });
}

TEST(HttpServerLimits, KnownSourceHasItsOwn) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    HttpServer server = ListenForFour(executor);
    RawPeer known = co_await Open(server, kKnown);
    RawPeer a = co_await Open(server, "127.0.0.2");
    RawPeer b = co_await Open(server, "127.0.0.3");
    RawPeer c = co_await Open(server, "127.0.0.4");
    RawPeer d = co_await Open(server, "127.0.0.5");      // in the place of a
    RawPeer also_known = co_await Open(server, kKnown);  // in the place of b
    EXPECT_EQ(server.counts().displaced, 2U);
    for (RawPeer* peer : {&known, &also_known, &c, &d}) {
      const std::string answer = co_await Ask(*peer);
      EXPECT_NE(answer.find("200 OK"), std::string::npos);
    }
    EXPECT_EQ(co_await a.ReadAll(), "");
    EXPECT_EQ(co_await b.ReadAll(), "");
    co_await server.Stop();
  });
}

TEST(HttpServerLimits, OneSourceGetsNoMoreForBeingKnown) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    HttpServer server = ListenForFour(executor);
    RawPeer one = co_await Open(server, kKnown);
    RawPeer two = co_await Open(server, kKnown);
    RawPeer three = co_await RawPeer::Connect(server.port(), kKnown);
    EXPECT_EQ(co_await three.ReadAll(), "");
    EXPECT_EQ(server.counts().over_limits, 1U);
    co_await server.Stop();
  });
}

}  // namespace
}  // namespace countersign::net
