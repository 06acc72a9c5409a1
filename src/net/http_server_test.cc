#include "net/http_server.h"

#include <gtest/gtest.h>

#include <optional>

#include "net/http_fixture.h"
#include "net/test_support.h"

namespace countersign::net {
namespace {

using boost::asio::any_io_executor;
using boost::asio::awaitable;
using std::chrono::milliseconds;
using testing::Event;
using testing::RawPeer;
using testing::RunLoop;
using testing::Spawn;

HttpServerOptions Loopback() {
  HttpServerOptions options;
  options.address = IpAddress::FromV4({127, 0, 0, 1});
  return options;
}

awaitable<HttpResponse> EchoRequest(HttpRequest request) {
  co_return MakeText(200, request.method + " " + request.path + " " + request.body + " from " +
                              request.source.Text() + " at " + request.local.Text());
}

HttpServer Listen(const any_io_executor& executor, HttpServerOptions options,
                  HttpHandler handler = EchoRequest) {
  auto server = HttpServer::Listen(executor, std::move(options), std::move(handler));
  if (!server) ADD_FAILURE() << server.error().message;
  return std::move(server).value();
}

// Reply sends one text to a fresh server and returns all that came back until it closed.
std::string Reply(HttpServerOptions options, std::string text, HttpHandler handler = EchoRequest) {
  std::string reply;
  RunLoop([&](any_io_executor executor) -> awaitable<void> {
    HttpServer server = Listen(executor, options, handler);
    RawPeer peer = co_await RawPeer::Connect(server.port());
    co_await peer.Send(text);
    reply = co_await peer.ReadAll();
    co_await server.Stop();
  });
  return reply;
}

TEST(HttpServer, AnswersTwoRequestsOnOneConnection) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    HttpServer server = Listen(executor, Loopback());
    RawPeer peer = co_await RawPeer::Connect(server.port(), "127.1.2.3");
    co_await peer.Send(kGet);
    const std::string first = co_await peer.ReadUntil("127.0.0.1\n");
    EXPECT_TRUE(first.starts_with("HTTP/1.1 200 OK\r\n")) << first;
    EXPECT_TRUE(first.ends_with("GET /x  from 127.1.2.3 at 127.0.0.1\n")) << first;
    co_await peer.Send("POST /y HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
    EXPECT_NE((co_await peer.ReadUntil("127.0.0.1\n")).find("POST /y hi"), std::string::npos);
    EXPECT_EQ(server.counts().requests, 2U);
    EXPECT_EQ(server.counts().accepted, 1U);
    co_await server.Stop();
    EXPECT_EQ(server.num_connections(), 0U);
  });
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  const std::string close = "GET /2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  const std::string reply = Reply(Loopback(), kGet + close);
  EXPECT_LT(reply.find("GET /x"), reply.find("GET /2"));
  EXPECT_NE(reply.find("Connection: close"), std::string::npos);
}

TEST(HttpServer, MalformedRequestGets400AndTheEnd) {
  EXPECT_TRUE(Reply(Loopback(), "hello?\r\n\r\n").starts_with("HTTP/1.1 400 "));
}

TEST(HttpServer, HeaderOverItsLimitGets431) {
  const std::string text = "GET / HTTP/1.1\r\nHost: h\r\nA: " + std::string(9000, 'x') + "\r\n\r\n";
  EXPECT_TRUE(Reply(Loopback(), text).starts_with("HTTP/1.1 431 "));
}

TEST(HttpServer, BodyOverTheLimitOfItsRouteGets413) {
  HttpServerOptions options = Loopback();
  options.body_limit_for = [](const HttpRequest& head) { return head.path == "/big" ? 99U : 9U; };
  const std::string rest =
      " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 10\r\n\r\n";
  EXPECT_TRUE(Reply(options, "POST /big" + rest + "0123456789").starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(Reply(options, "POST /small" + rest).starts_with("HTTP/1.1 413 "));
  EXPECT_TRUE(Reply(options, "POST /small" + rest + std::string(100'000, 'x'))
                  .starts_with("HTTP/1.1 413 "));
}

TEST(HttpServer, Sends100ContinueWhenAsked) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    HttpServer server = Listen(executor, Loopback());
    RawPeer peer = co_await RawPeer::Connect(server.port());
    co_await peer.Send(
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(co_await peer.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    co_await peer.Send("hi");
    EXPECT_TRUE((co_await peer.ReadUntil("127.0.0.1\n")).starts_with("HTTP/1.1 200 "));
    co_await server.Stop();
  });
}

TEST(HttpServer, SlowHeaderSlowBodyAndIdleConnectionsAreClosed) {
  HttpServerOptions options = Loopback();
  options.header_timeout = milliseconds(30);
  EXPECT_EQ(Reply(options, ""), "");
  EXPECT_EQ(Reply(options, "GET / HTT"), "");
  options = Loopback();
  options.request_timeout = milliseconds(30);
  EXPECT_EQ(Reply(options, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nh"), "");
  options = Loopback();
  options.idle_timeout = milliseconds(30);
  EXPECT_TRUE(Reply(options, kGet).ends_with("127.0.0.1\n"));
}

TEST(HttpServer, ClosesConnectionsOverTheLimitsAtOnce) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    HttpServerOptions options = Loopback();
    options.max_connections = 3;
    options.max_per_source = 2;
    HttpServer server = Listen(executor, options);
    std::vector<RawPeer> peers;
    for (int i = 0; i < 2; ++i) {
      RawPeer peer = co_await RawPeer::Connect(server.port());
      co_await peer.Send(kGet);
      EXPECT_NE(co_await peer.ReadUntil("127.0.0.1\n"), "");
      peers.push_back(std::move(peer));
    }
    RawPeer third = co_await RawPeer::Connect(server.port());
    EXPECT_EQ(co_await third.ReadAll(), "");
    RawPeer other = co_await RawPeer::Connect(server.port(), "127.0.0.2");
    co_await other.Send(kGet);
    EXPECT_NE(co_await other.ReadUntil("127.0.0.1\n"), "");
    RawPeer fourth = co_await RawPeer::Connect(server.port(), "127.0.0.3");
    EXPECT_EQ(co_await fourth.ReadAll(), "");
    EXPECT_EQ(server.counts().over_limits, 2U);

    peers[0].ShutdownSend();  // a place becomes free
    EXPECT_EQ(co_await peers[0].ReadAll(), "");
    RawPeer later = co_await RawPeer::Connect(server.port());
    co_await later.Send(kGet);
    EXPECT_NE(co_await later.ReadUntil("127.0.0.1\n"), "");
    co_await server.Stop();
  });
}

TEST(HttpServer, StopLetsRequestsUnderWayFinish) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    Event started(executor);
    Event finish(executor);
    const HttpHandler slow = [&](HttpRequest) -> awaitable<HttpResponse> {
      started.Set();
      co_await finish.Wait();
      co_return MakeText(200, "done");
    };
    HttpServer server = Listen(executor, Loopback(), slow);
    RawPeer idle = co_await RawPeer::Connect(server.port());
    RawPeer busy = co_await RawPeer::Connect(server.port());
    co_await busy.Send(kGet);
    co_await started.Wait();
    bool stopped = false;
    Event stop_ended(executor);
    Spawn(executor, [](HttpServer& s, bool& flag, Event& ended) -> awaitable<void> {
      co_await s.Stop();
      flag = true;
      ended.Set();
    }(server, stopped, stop_ended));
    EXPECT_EQ(co_await idle.ReadAll(), "");  // closed while the other one goes on
    EXPECT_FALSE(stopped);
    finish.Set();
    const std::string reply = co_await busy.ReadAll();
    EXPECT_NE(reply.find("Connection: close\r\n"), std::string::npos);
    EXPECT_TRUE(reply.ends_with("done\n"));
    co_await stop_ended.Wait();
  });
}

TEST(HttpServer, StopCancelsWhatTakesTooLong) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    HttpServerOptions options = Loopback();
    options.stop_timeout = milliseconds(30);
    Event started(executor);
    Event never(executor);
    const HttpHandler stuck = [&](HttpRequest) -> awaitable<HttpResponse> {
      started.Set();
      co_await never.Wait();
      co_return MakeText(200, "not reached");
    };
    HttpServer server = Listen(executor, options, stuck);
    RawPeer peer = co_await RawPeer::Connect(server.port());
    co_await peer.Send(kGet);
    co_await started.Wait();
    co_await server.Stop();
    EXPECT_EQ(server.num_connections(), 0U);
    EXPECT_EQ(co_await peer.ReadAll(), "");
  });
}

TEST(HttpServer, DestructionWithOpenConnectionsLeavesNothingBehind) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    std::optional<HttpServer> server = Listen(executor, Loopback());
    RawPeer peer = co_await RawPeer::Connect(server->port());
    co_await peer.Send(kGet);
    co_await peer.ReadUntil("127.0.0.1\n");
    server.reset();
    EXPECT_EQ(co_await peer.ReadAll(), "");
  });
}

TEST(HttpServer, HandlerThatThrowsOrSplitsAnswers500) {
  const std::string close = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  const HttpHandler thrower = [](HttpRequest) -> awaitable<HttpResponse> {
    throw std::runtime_error("bug");
    co_return HttpResponse();
  };
  EXPECT_TRUE(Reply(Loopback(), close, thrower).starts_with("HTTP/1.1 500 "));
  const HttpHandler splitter = [](HttpRequest) -> awaitable<HttpResponse> {
    HttpResponse response = MakeText(200, "x");
    response.fields.push_back({"A", "b\r\nC: d"});
    co_return response;
  };
  EXPECT_TRUE(Reply(Loopback(), close, splitter).starts_with("HTTP/1.1 500 "));
}

TEST(HttpServer, HeadGetsNoBody) {
  const std::string reply =
      Reply(Loopback(), "HEAD /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(reply.ends_with("\r\n\r\n"));
  EXPECT_EQ(reply.find("Content-Length: 0\r\n"), std::string::npos);
}

TEST(HttpServer, UnspecifiedIpv6ListensToIpv4Too) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    auto server = HttpServer::Listen(executor, HttpServerOptions(), EchoRequest);
    if (!server) co_return;  // no IPv6 on this machine
    RawPeer v4 = co_await RawPeer::Connect(server->port());
    co_await v4.Send(kGet);
    EXPECT_NE(co_await v4.ReadUntil("from 127.0.0.1 at 127.0.0.1\n"), "");
    RawPeer v6 = co_await RawPeer::Connect(server->port(), "::1");
    co_await v6.Send(kGet);
    EXPECT_NE(co_await v6.ReadUntil("from ::1 at ::1\n"), "");
    co_await server->Stop();
  });
}

TEST(HttpServer, ListenErrorsNameTheAddressAndWhatToRun) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    HttpServer server = Listen(executor, Loopback());
    HttpServerOptions same = Loopback();
    same.port = server.port();
    const auto second = HttpServer::Listen(executor, same, EchoRequest);
    EXPECT_FALSE(second.has_value());
    EXPECT_EQ(second.error().code, Code::kUnavailable);
    const std::string port = std::to_string(server.port());
    EXPECT_NE(second.error().message.find("127.0.0.1:" + port), std::string::npos);
    EXPECT_EQ(second.error().next, "ss -ltnp 'sport = :" + port + "'");
    HttpServerOptions foreign;
    foreign.address = IpAddress::FromV4({192, 0, 2, 1});
    EXPECT_EQ(HttpServer::Listen(executor, foreign, EchoRequest).error().code, Code::kUnavailable);
    co_await server.Stop();
  });
}

// Parked is a server whose handler parks each request to /wait until the peer moves or `free` is
// set, and says how it ended.
class Parked {
 public:
  Parked(const any_io_executor& executor, HttpServerOptions options)
      : free_(executor), server_(Listen(executor, std::move(options), [this](HttpRequest request) {
          return Answer(std::move(request));
        })) {}

  [[nodiscard]] HttpServer& server() { return server_; }
  [[nodiscard]] const std::optional<PeerMove>& move() const { return move_; }
  void Free() { free_.Set(); }
  awaitable<void> End() { return server_.Stop(); }

 private:
  awaitable<HttpResponse> Answer(HttpRequest request) {
    if (request.path != "/wait") co_return MakeText(200, "at once");
    request.peer->Park([this](PeerMove move) {
      move_ = move;
      free_.Set();
    });
    co_await free_.Wait();
    co_return MakeText(200, "at last");
  }

  Event free_;
  std::optional<PeerMove> move_;
  HttpServer server_;
};

constexpr const char* kWait = "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n";

TEST(HttpServer, ParkedConnectionsLeaveRoomForOthers) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    HttpServerOptions options = Loopback();
    options.max_connections = 1;
    options.max_per_source = 1;
    Parked parked(executor, options);
    RawPeer waiter = co_await RawPeer::Connect(parked.server().port());
    co_await waiter.Send(kWait);
    while (parked.server().counts().requests == 0) co_await testing::InThread([] {});
    RawPeer other = co_await RawPeer::Connect(parked.server().port());
    co_await other.Send(kGet);
    EXPECT_NE((co_await other.ReadUntil("at once\n")).find("200 OK"), std::string::npos);
    EXPECT_EQ(parked.server().num_connections(), 2U);
    parked.Free();
    EXPECT_NE((co_await waiter.ReadUntil("at last\n")).find("200 OK"), std::string::npos);
    // Answered, it counts again.
    RawPeer third = co_await RawPeer::Connect(parked.server().port());
    EXPECT_EQ(co_await third.ReadAll(), "");
    EXPECT_EQ(parked.server().counts().over_limits, 1U);
    EXPECT_FALSE(parked.move());
    co_await parked.End();
  });
}

TEST(HttpServer, ParkedConnectionThatClosesIsNoticed) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    Parked parked(executor, Loopback());
    {
      RawPeer waiter = co_await RawPeer::Connect(parked.server().port());
      co_await waiter.Send(kWait);
      while (parked.server().counts().requests == 0) co_await testing::InThread([] {});
    }
    while (parked.server().num_connections() > 0) co_await testing::InThread([] {});
    EXPECT_EQ(parked.move(), PeerMove::kClosed);
    co_await parked.End();
  });
}

TEST(HttpServer, ParkedConnectionThatSendsMoreIsNoticed) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    Parked parked(executor, Loopback());
    RawPeer waiter = co_await RawPeer::Connect(parked.server().port());
    co_await waiter.Send(std::string(kWait) + kGet);
    while (parked.server().counts().requests == 0) co_await testing::InThread([] {});
    co_await waiter.Send("G");
    const std::string reply = co_await waiter.ReadUntil("at once\n");
    EXPECT_LT(reply.find("at last"), reply.find("at once"));
    EXPECT_EQ(parked.move(), PeerMove::kSentMore);
    co_await parked.End();
  });
}

}  // namespace
}  // namespace countersign::net
