#include "daemon/dispatcher.h"

#include <boost/asio/co_spawn.hpp>
#include <utility>

#include "net/or_end_process.h"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;

constexpr auto kPoll = std::chrono::milliseconds(1'000);
// An agent answers within 20 s (protocol section 5, step 10).
constexpr auto kOrderTimeout = std::chrono::milliseconds(25'000);

}  // namespace

asio::awaitable<void> Dispatcher::Run() {
  while (!stopping_) {
    const std::size_t room = kWindow - busy_.size();
    auto calls = server_.DueCalls(ReadClocks().wall, room, busy_);
    if (!calls) log_.Write(LogLevel::kError, calls.error().message);
    const bool made_any = calls && !calls->empty();
    if (calls) {
      for (auto& call : *calls) {
        busy_.insert(call.agent);
        asio::co_spawn(executor_, Make(call), net::OrEndProcess());
      }
    }
    if (!made_any || busy_.size() >= kWindow) co_await waker_.Sleep(kPoll);
  }
}

asio::awaitable<void> Dispatcher::Stop() {
  stopping_ = true;
  waker_.Wake();
  while (!busy_.empty()) co_await drained_.Sleep(kPoll);
}

asio::awaitable<void> Dispatcher::Make(server::Call call) {
  const auto ended = co_await Exchange(call);
  if (!ended) server_.CallFailed(call, ended.error().message, ReadClocks().wall);
  busy_.erase(call.agent);
  waker_.Wake();
  drained_.Wake();
}

// Connect makes sure that the listener has the agent's key, if it speaks TLS: then nobody else
// reads what goes over the connection.
asio::awaitable<Result<net::HttpConnection>> Dispatcher::Connect(server::Call& call) {
  // Named: g++ 12 destroys an aggregate that is made inside a co_await expression twice.
  net::Endpoint agent{call.address.Text(), call.port};
  const std::string place = agent.Text();
  net::HttpClientOptions options;
  if (call.tls && !tls_) {
    auto made = crypto::TlsContext::ForClient();
    if (!made) co_return std::unexpected(std::move(made).error());
    tls_ = *std::move(made);
  }
  if (call.tls) options.tls = tls_;
  auto connection = co_await net::HttpConnection::Connect(std::move(agent), std::move(options));
  if (!connection || !call.tls) co_return connection;
  if (connection->peer_key() != call.key) {
    co_return Fail(Code::kRefused, "the agent at " + place + " shows another key than agent " +
                                       call.agent.Text() + ": is another agent on that address?");
  }
  call.is_private = true;
  co_return connection;
}

asio::awaitable<Status> Dispatcher::Exchange(server::Call& call) {
  auto connection = co_await Connect(call);
  if (!connection) co_return std::unexpected(std::move(connection).error());
  for (;;) {
    const auto asked = co_await connection->Exchange("GET", "/countersign/v1/challenge");
    if (!asked) co_return std::unexpected(asked.error());
    const auto challenge = wire::ParseChallengeAnswer(asked->body);
    if (!challenge) co_return WithContext("its challenge", challenge.error());
    const auto order = server_.SignCall(call, *challenge, ReadClocks().wall);
    if (!order) {  // the agent answered: it is not to blame
      server_.CallDropped(call, order.error().message, ReadClocks().wall);
      co_return Status();
    }
    const auto answer = co_await connection->Exchange("POST", "/countersign/v1/order",
                                                      "application/jose", *order, kOrderTimeout);
    if (!answer) co_return std::unexpected(answer.error());
    if (answer->status != 200) {
      co_return Fail(Code::kUnavailable, "it answered with HTTP " + std::to_string(answer->status));
    }
    const auto next = server_.TakeReceipt(call, answer->body, ReadClocks().wall);
    if (next == server::CallNext::kEnded) co_return Status();
  }
}

}  // namespace countersign::daemon
