#include "net/http_client.h"

#include <gtest/gtest.h>

#include "net/http_fixture.h"
#include "net/http_server.h"
#include "net/test_support.h"

namespace countersign::net {
namespace {

using boost::asio::any_io_executor;
using boost::asio::awaitable;
using std::chrono::milliseconds;
using testing::RawListener;
using testing::RawPeer;
using testing::RunLoop;
using testing::Spawn;

awaitable<void> ServeOnce(RawListener& listener, std::string reply) {
  RawPeer peer = co_await listener.Accept();
  co_await peer.ReadUntil("\r\n\r\n");
  co_await peer.Send(reply);
}

// ExchangeWith returns what the client makes of a server that answers `reply` and closes.
Result<HttpResponse> ExchangeWith(std::string reply) {
  Result<HttpResponse> result = Fail(Code::kInternal, "no exchange");
  RunLoop([&](any_io_executor executor) -> awaitable<void> {
    RawListener listener(executor);
    Spawn(executor, ServeOnce(listener, reply));
    HttpClientOptions options;
    options.body_limit = 100;
    auto connection = co_await HttpConnection::Connect(Local(listener.port()), options);
    EXPECT_TRUE(connection.has_value());
    if (connection) result = co_await connection->Exchange("GET", "/");
  });
  return result;
}

TEST(HttpClient, TwoExchangesOnOneConnectionFromAChosenAddress) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    HttpServerOptions server_options;
    server_options.address = IpAddress::FromV4({127, 0, 0, 1});
    const HttpHandler handler = [](HttpRequest request) -> awaitable<HttpResponse> {
      HttpResponse response = MakeText(200, request.body + request.source.Text());
      response.fields.push_back({"Countersign-Nonce", request.ContentType()});
      co_return response;
    };
    auto server = HttpServer::Listen(executor, server_options, handler);
    HttpClientOptions options;
    options.source = IpAddress::FromV4({127, 0, 0, 77});
    auto connection = co_await HttpConnection::Connect(Local(server->port()), options);
    EXPECT_TRUE(connection.has_value());
    for (const char* body : {"one ", "two "}) {
      const auto response = co_await connection->Exchange("POST", "/r", "application/jose", body);
      EXPECT_TRUE(response.has_value());
      EXPECT_EQ(response->body, std::string(body) + "127.0.0.77\n");
      EXPECT_EQ(FindField(response->fields, "countersign-nonce"), "application/jose");
    }
    EXPECT_TRUE(connection->is_open());
    EXPECT_EQ(server->counts().accepted, 1U);
    co_await server->Stop();
    const auto late = co_await connection->Exchange("GET", "/");
    EXPECT_EQ(late.error().code, Code::kUnavailable);
    EXPECT_FALSE(connection->is_open());
  });
}

TEST(HttpClient, RefusedConnectionSaysSo) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    std::uint16_t port = 0;
    {
      port = RawListener(executor).port();
    }
    const auto connection = co_await HttpConnection::Connect(Local(port), {});
    EXPECT_EQ(connection.error().code, Code::kUnavailable);
    EXPECT_NE(connection.error().message.find("refused"), std::string::npos);
  });
}

// A label of more than 63 characters fails in the resolver itself: no question leaves the machine.
TEST(HttpClient, NameThatDoesNotExistSaysSo) {
  RunLoop([](any_io_executor) -> awaitable<void> {
    const Endpoint endpoint{std::string(64, 'a') + ".invalid", 80};
    const auto connection = co_await HttpConnection::Connect(endpoint, {});
    EXPECT_EQ(connection.error().code, Code::kUnavailable);
    EXPECT_NE(connection.error().message.find(endpoint.host), std::string::npos);
  });
}

TEST(HttpClient, NameIsResolvedAndEachAddressIsAskedAbout) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    RawListener listener(executor);
    std::vector<std::string> asked;
    HttpClientOptions options;
    options.source = IpAddress::FromV4({127, 0, 0, 1});  // leaves out ::1
    options.allow = [&asked](const IpAddress& address) -> Status {
      asked.push_back(address.Text());
      return Fail(Code::kRefused, "never loopback");
    };
    const Endpoint endpoint{"localhost", listener.port()};
    const auto connection = co_await HttpConnection::Connect(endpoint, options);
    EXPECT_EQ(connection.error().code, Code::kRefused);
    EXPECT_EQ(asked, std::vector<std::string>{"127.0.0.1"});
  });
}

TEST(HttpClient, SilentServerTimesOut) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    RawListener listener(executor);
    HttpClientOptions options;
    options.exchange_timeout = milliseconds(30);
    auto connection = co_await HttpConnection::Connect(Local(listener.port()), options);
    const auto response = co_await connection->Exchange("GET", "/");
    EXPECT_EQ(response.error().code, Code::kTimedOut);
    EXPECT_FALSE(connection->is_open());
  });
}

TEST(HttpClient, GarbageAndAnswersOverLimitsAreMalformed) {
  EXPECT_EQ(ExchangeWith("SSH-2.0-x\r\n").error().code, Code::kMalformed);
  EXPECT_EQ(ExchangeWith("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n").error().code,
            Code::kMalformed);
  EXPECT_EQ(ExchangeWith("HTTP/1.1 200 OK\r\n\r\n" + std::string(101, 'x')).error().code,
            Code::kMalformed);
  EXPECT_EQ(ExchangeWith("HTTP/1.1 200 OK\r\nA: " + std::string(9000, 'x')).error().code,
            Code::kMalformed);
  EXPECT_EQ(ExchangeWith("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi").error().code,
            Code::kMalformed);
}

TEST(HttpClient, ServerThatClosesWithoutAnAnswerIsUnavailable) {
  const auto result = ExchangeWith("");
  EXPECT_EQ(result.error().code, Code::kUnavailable);
  EXPECT_NE(result.error().message.find("closed"), std::string::npos);
}

TEST(HttpClient, ReadsABodyThatEndsWithTheConnection) {
  const auto result = ExchangeWith("HTTP/1.0 200 OK\r\n\r\nhello");
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->body, "hello");
}

TEST(HttpClient, RefusalThatComesWhileSendingIsRead) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    HttpServerOptions server_options;
    server_options.address = IpAddress::FromV4({127, 0, 0, 1});
    server_options.body_limit = 10;
    const HttpHandler handler = [](HttpRequest) -> awaitable<HttpResponse> {
      co_return MakeText(200, "");
    };
    auto server = HttpServer::Listen(executor, server_options, handler);
    auto connection = co_await HttpConnection::Connect(Local(server->port()), {});
    const std::string body(200'000, 'x');
    const auto response = co_await connection->Exchange("POST", "/", "a/b", body);
    EXPECT_TRUE(response.has_value());
    EXPECT_EQ(response->status, 413);
    EXPECT_FALSE(connection->is_open());
    co_await server->Stop();
  });
}

TEST(HttpClient, RequestThatHttpDoesNotAllowIsNotSent) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    RawListener listener(executor);
    auto connection = co_await HttpConnection::Connect(Local(listener.port()), {});
    const auto response = co_await connection->Exchange("GET", "/a b");
    EXPECT_EQ(response.error().code, Code::kUsage);
    EXPECT_TRUE(connection->is_open());
  });
}

}  // namespace
}  // namespace countersign::net
