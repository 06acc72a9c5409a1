#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "crypto/tls_certificate.h"
#include "net/http_client.h"
#include "net/http_fixture.h"
#include "net/http_server.h"
#include "net/stream.h"
#include "net/test_support.h"

// HTTP over TLS: server and client together, and each with a peer that does not behave.
namespace countersign::net {
namespace {

using boost::asio::any_io_executor;
using boost::asio::awaitable;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using testing::RawListener;
using testing::RawPeer;
using testing::RunLoop;
using testing::Spawn;
namespace asio = boost::asio;
using asio::ip::tcp;

crypto::PrivateKey NewKey() { return crypto::PrivateKey::Generate(crypto::KeyKind::kP256).value(); }

crypto::TlsContext ContextOf(const crypto::PrivateKey& key) {
  crypto::TlsCertificateRequest request;
  request.common_name = "test";
  request.hosts = {"127.0.0.1"};
  const std::vector<Bytes> chain = {crypto::MakeTlsCertificate(request, key).value().der()};
  return crypto::TlsContext::ForServer(key, chain).value();
}

HttpServerOptions OverTls(const crypto::PrivateKey& key) {
  HttpServerOptions options;
  options.address = IpAddress::FromV4({127, 0, 0, 1});
  options.tls = ContextOf(key);
  return options;
}

HttpClientOptions TlsClient() {
  HttpClientOptions options;
  options.tls = crypto::TlsContext::ForClient().value();
  return options;
}

awaitable<HttpResponse> EchoBody(HttpRequest request) { co_return MakeText(200, request.body); }

TEST(HttpOverTls, ExchangesOnOneConnectionAndThePeersKey) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    const auto key = NewKey();
    auto server = HttpServer::Listen(executor, OverTls(key), EchoBody);
    auto connection = co_await HttpConnection::Connect(Local(server->port()), TlsClient());
    EXPECT_TRUE(connection.has_value());
    if (!connection) co_return;
    EXPECT_EQ(connection->peer_key(), key.public_key().digest());
    for (const std::size_t len : {0U, 1U, 8'000U, 60'000U}) {
      const std::string body(len, 'x');
      const auto response = co_await connection->Exchange("POST", "/", "text/plain", body);
      EXPECT_TRUE(response.has_value());
      EXPECT_EQ(response ? response->body.size() : 0, body.size() + 1);
    }
    EXPECT_EQ(server->counts().requests, 4U);
    co_await server->Stop();
  });
}

TEST(HttpOverTls, ReplacedKeyIsShownToNewConnectionsOnly) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    const auto first = NewKey();
    const auto second = NewKey();
    auto server = HttpServer::Listen(executor, OverTls(first), EchoBody);
    auto old = co_await HttpConnection::Connect(Local(server->port()), TlsClient());
    server->set_tls(ContextOf(second));
    auto fresh = co_await HttpConnection::Connect(Local(server->port()), TlsClient());
    EXPECT_TRUE(old && fresh);
    if (!old || !fresh) co_return;
    EXPECT_EQ(old->peer_key(), first.public_key().digest());
    EXPECT_EQ(fresh->peer_key(), second.public_key().digest());
    const auto still = co_await old->Exchange("GET", "/");
    EXPECT_TRUE(still.has_value());
    co_await server->Stop();
  });
}

TEST(HttpOverTls, PlainClientIsTold) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    auto server = HttpServer::Listen(executor, OverTls(NewKey()), EchoBody);
    RawPeer peer = co_await RawPeer::Connect(server->port());
    co_await peer.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    const std::string answer = co_await peer.ReadAll();
    EXPECT_THAT(answer, HasSubstr("400"));
    EXPECT_THAT(answer, HasSubstr("HTTPS"));
    EXPECT_EQ(server->counts().handshakes_failed, 1U);
    EXPECT_EQ(server->counts().requests, 0U);
    co_await server->Stop();
  });
}

TEST(HttpOverTls, ClientOnAPlainPortSaysSo) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    HttpServerOptions options;
    options.address = IpAddress::FromV4({127, 0, 0, 1});
    auto server = HttpServer::Listen(executor, options, EchoBody);
    const auto connection = co_await HttpConnection::Connect(Local(server->port()), TlsClient());
    EXPECT_FALSE(connection.has_value());
    if (connection) co_return;
    EXPECT_EQ(connection.error().code, Code::kMalformed);
    EXPECT_THAT(connection.error().message, HasSubstr("no TLS 1.3"));
    co_await server->Stop();
  });
}

TEST(HttpOverTls, HandshakeThatStandsStillTimesOut) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    auto options = OverTls(NewKey());
    options.header_timeout = milliseconds(50);
    auto server = HttpServer::Listen(executor, options, EchoBody);
    RawPeer peer = co_await RawPeer::Connect(server->port());
    co_await peer.Send(std::string("\x16\x03\x01", 3));
    EXPECT_EQ(co_await peer.ReadAll(), "");
    EXPECT_EQ(server->counts().timed_out, 1U);
    co_await server->Stop();
  });
}

TEST(HttpOverTls, SilentConnectionTimesOut) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    auto options = OverTls(NewKey());
    options.header_timeout = milliseconds(50);
    auto server = HttpServer::Listen(executor, options, EchoBody);
    RawPeer peer = co_await RawPeer::Connect(server->port());
    EXPECT_EQ(co_await peer.ReadAll(), "");
    EXPECT_EQ(server->counts().timed_out, 1U);
    EXPECT_EQ(server->counts().handshakes_failed, 0U);
    co_await server->Stop();
  });
}

TEST(HttpOverTls, ClientDoesNotWaitForAHandshakeForEver) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    RawListener listener(executor);
    Spawn(executor, [](RawListener& from) -> awaitable<void> {
      RawPeer silent = co_await from.Accept();
      co_await silent.ReadAll();
    }(listener));
    auto options = TlsClient();
    options.connect_timeout = milliseconds(50);
    const auto connection = co_await HttpConnection::Connect(Local(listener.port()), options);
    EXPECT_FALSE(connection.has_value());
    EXPECT_EQ(connection ? Code::kInternal : connection.error().code, Code::kTimedOut);
  });
}

TEST(HttpOverTls, GarbageEndsTheConnectionAndNothingElse) {
  RunLoop([](any_io_executor executor) -> awaitable<void> {
    auto options = OverTls(NewKey());
    options.header_timeout = milliseconds(50);
    auto server = HttpServer::Listen(executor, options, EchoBody);
    for (const std::string& garbage :
         {std::string(5'000, '\xff'), std::string("\r\n\r\n"),
          std::string("\x16\x03\x01\x00\x05\xff\xff\xff\xff\xff", 10)}) {
      RawPeer peer = co_await RawPeer::Connect(server->port());
      co_await peer.Send(garbage);
      co_await peer.ReadAll();
    }
    auto connection = co_await HttpConnection::Connect(Local(server->port()), TlsClient());
    EXPECT_TRUE(connection.has_value());
    co_await server->Stop();
  });
}

// Ends makes both ends of a TCP connection on loopback.
struct Ends {
  std::shared_ptr<TcpGuard> here, there;
};
awaitable<Ends> Connected(any_io_executor executor) {
  tcp::acceptor acceptor(executor, {asio::ip::address_v4::loopback(), 0});
  tcp::socket client(executor);
  tcp::socket server(executor);
  client.connect(acceptor.local_endpoint());
  acceptor.accept(server);
  co_return Ends{std::make_shared<TcpGuard>(std::move(client)),
                 std::make_shared<TcpGuard>(std::move(server))};
}

enum class End { kFinished, kCutOff };

// ErrorAtEnd is what a reader gets when the other side ends after a greeting.
boost::system::error_code ErrorAtEnd(End end) {
  boost::system::error_code error;
  RunLoop([&](any_io_executor executor) -> awaitable<void> {
    Ends ends = co_await Connected(executor);
    auto greet = [](std::shared_ptr<TcpGuard> guard, End how) -> awaitable<void> {
      Stream stream(guard);
      const auto context = ContextOf(NewKey());
      EXPECT_TRUE((co_await stream.Handshake(context, {})).has_value());
      const Stream::Parts parts = {asio::buffer("hello", 5), asio::const_buffer()};
      co_await stream.Write(parts);
      if (how == End::kFinished) co_await stream.Finish();
      guard->Close();
    };
    Spawn(executor, greet(ends.there, end));
    Stream stream(ends.here);
    const auto context = crypto::TlsContext::ForClient().value();
    EXPECT_TRUE((co_await stream.Handshake(context, "test")).has_value());
    std::array<char, 16> buffer{};
    const auto [first, len] = co_await stream.Read(asio::buffer(buffer));
    EXPECT_FALSE(first);
    EXPECT_EQ(std::string(buffer.data(), len), "hello");
    const auto [second, none] = co_await stream.Read(asio::buffer(buffer));
    error = second;
    ends.here->Close();
  });
  return error;
}

TEST(Stream, EndThatWasSaidIsAnEnd) { EXPECT_EQ(ErrorAtEnd(End::kFinished), asio::error::eof); }
TEST(Stream, ConnectionCutOffIsNoEnd) {
  EXPECT_EQ(ErrorAtEnd(End::kCutOff), asio::error::connection_reset);
}

}  // namespace
}  // namespace countersign::net
