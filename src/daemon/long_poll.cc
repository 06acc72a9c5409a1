#include "daemon/long_poll.h"

#include <memory>
#include <utility>

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;

constexpr unsigned kRetryAfter = 2;
// How many agents may come back in one second after a stop.
constexpr std::size_t kBackEachSecond = 50;
constexpr unsigned kReplacedRetryAfter = 60;

server::ReportAnswer Refuse(unsigned retry_after) {
  return {.status = 503, .reply = {}, .nonce = {}, .retry_after = retry_after};
}

}  // namespace

server::ReportAnswer LongPoll::Later(std::uint64_t ticket) const {
  return Refuse(kRetryAfter +
                static_cast<unsigned>(ticket % (1 + waited_at_stop_ / kBackEachSecond)));
}

asio::awaitable<server::ReportAnswer> LongPoll::Hold(server::HeldReport held, net::HttpPeer& peer,
                                                     net::IpAddress source, Seconds wait) {
  if (stopping_) co_return Later(0);
  // Both callbacks may come after this has ended: what they touch is shared.
  const auto waker = std::make_shared<Waker>(executor_);
  const auto gone = std::make_shared<bool>(false);
  server::WaitingRoom& room = server_.waiting();
  const auto ticket = room.Enter(held.report.iss, source, [waker] { waker->Wake(); });
  if (!ticket) co_return server_.FinishReply(held, ReadClocks().wall);
  peer.Park([waker, gone](net::PeerMove move) {
    *gone = move == net::PeerMove::kClosed;
    waker->Wake();
  });
  co_await waker->Sleep(wait);
  const bool was_replaced = !room.Leave(*ticket);
  if (stopping_) co_return Later(*ticket);
  if (*gone || was_replaced) co_return Refuse(kReplacedRetryAfter);
  co_return server_.FinishReply(held, ReadClocks().wall);
}

void LongPoll::Stop() {
  stopping_ = true;
  waited_at_stop_ = server_.waiting().size();
  server_.waiting().TellEverybody();
}

}  // namespace countersign::daemon
