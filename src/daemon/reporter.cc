#include "daemon/reporter.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <utility>

#include "daemon/server_call.h"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kJose = "application/jose";
constexpr std::string_view kReportPath = "/countersign/v1/report";
constexpr std::chrono::milliseconds kLongestSleep = std::chrono::minutes(1);
constexpr Seconds kAnswersWithin = Seconds(30);  // after the time that the server may hold it

unsigned RetryAfter(const net::HttpResponse& response) {
  unsigned seconds = 0;
  if (const auto field = net::FindField(response.fields, "Retry-After")) {
    std::from_chars(field->data(), field->data() + field->size(), seconds);
  }
  return seconds;
}

}  // namespace

asio::awaitable<mover::Renewal::Outcome> Renew(mover::Renewal& renewal,
                                               store::AgentCounters& counters,
                                               const Instance& instance,
                                               const store::AgentConfig& config,
                                               const trust::DistrustList& distrust) {
  const auto report = renewal.MakeReport(counters, instance, ReadClocks());
  if (!report) co_return renewal.NotReached(report.error().message);
  const auto answer = co_await PostReport(config, *report);
  if (!answer) co_return renewal.NotReached(answer.error().message);
  if (answer->status != 200) {
    co_return renewal.NotReached("it answered with HTTP " + std::to_string(answer->status));
  }
  co_return renewal.TakeReply(answer->body, distrust, ReadClocks());
}

asio::awaitable<void> Reporter::Run() {
  while (!stopping_) {
    busy_ = true;
    co_await PostReceipts(agent_.TakeReceipts());
    const auto wait = agent_.NextReportAt() - ReadClocks().boot;
    if (wait <= Uptime(0)) {
      co_await ReportOnce();
      continue;
    }
    if (const auto saved = agent_.Save(); !saved) {
      log_.Write(LogLevel::kError, saved.error().message);
    }
    busy_ = false;
    co_await waker_.Sleep(std::min<std::chrono::milliseconds>(wait, kLongestSleep));
  }
}

void Reporter::ActEnded() {
  busy_ = true;
  waker_.Wake();
  answered_.cancel();
  // Its receipt is not to wait for the end of a report that does.
  if (waiting_ == nullptr) return;
  recalled_ = true;
  std::exchange(waiting_, nullptr)->Close();
}

void Reporter::Stop() {
  stopping_ = true;
  waker_.Wake();
  answered_.cancel();
  recall_.cancel();
}

asio::awaitable<Result<net::HttpResponse>> Reporter::PostWaiting(net::HttpConnection& connection,
                                                                 const std::string& report) {
  recalled_ = false;
  std::string target(kReportPath);
  const Seconds wait = agent_.report_wait();
  if (wait.count() == 0) co_return co_await connection.Exchange("POST", target, kJose, report);
  target += "?wait=" + std::to_string(wait.count());
  waiting_ = &connection;
  WatchPlan();
  auto answer = co_await connection.Exchange("POST", target, kJose, report, wait + kAnswersWithin);
  waiting_ = nullptr;
  WatchPlan();
  co_return answer;
}

void Reporter::WatchPlan() {
  recall_.cancel();
  if (waiting_ == nullptr) return;
  const auto left = agent_.NextReportAt() - ReadClocks().boot;
  if (left <= Uptime(0)) {
    recalled_ = true;
    return waiting_->Close();
  }
  recall_.expires_after(std::min<std::chrono::milliseconds>(left, kLongestSleep));
  recall_.async_wait([this](const boost::system::error_code& cancelled) {
    if (cancelled) return;
    if (const auto saved = agent_.Save(); !saved) {
      log_.Write(LogLevel::kError, saved.error().message);
    }
    WatchPlan();
  });
}

asio::awaitable<void> Reporter::NextAnswer(std::chrono::milliseconds most) {
  // Several may wait: none of them moves the time of another.
  asio::steady_timer limit(answered_.get_executor());
  limit.expires_after(most);
  limit.async_wait([this](boost::system::error_code failed) {
    if (!failed) answered_.cancel();
  });
  co_await answered_.async_wait(asio::as_tuple(asio::use_awaitable));
}

void Reporter::Failed(std::string why, unsigned retry_after) {
  agent_.ReportFailed(why, retry_after, ReadClocks());
  last_error_ = std::move(why);
}

// Connected first: the report says whether the web host's key was known.
asio::awaitable<void> Reporter::ReportOnce() {
  auto reached = co_await Reach(config_, pins_.Of(agent_.trust().server));
  pinned_ = reached && reached->pinned;
  // Nothing comes between the two: who asks for a report now gets the next one.
  ++made_;
  refused_.reset();
  const auto report = agent_.MakeReport(
      ReadClocks(), pinned_ ? agent::Agent::Channel::kPinned : agent::Agent::Channel::kOpen);
  if (!report) {
    Failed(report.error().message, 0);
    ended_ = made_;
    answered_.cancel();
    co_return;
  }
  if (!reached) {
    Failed(reached.error().message, 0);
    ended_ = made_;
    answered_.cancel();
    co_return;
  }
  const auto answer = co_await PostWaiting(reached->connection, *report);
  if (!answer && recalled_) {
    agent_.ReportRecalled(ReadClocks());
    co_return;
  }
  if (!answer) {
    Failed(answer.error().message, 0);
  } else if (answer->status != 200) {
    const std::string why = answer->status == 403
                                ? "the server has forgotten this agent: its key is refused"
                                : "the server answered with HTTP " + std::to_string(answer->status);
    Failed(why, RetryAfter(*answer));
  } else {
    const auto nonce = net::FindField(answer->fields, "Countersign-Nonce").value_or("");
    auto outcome = agent_.TakeReply(answer->body, nonce, ReadClocks());
    refused_ = outcome.refused;
    if (outcome.refused) {
      last_error_ = "the server's reply was refused: " + std::string(VerdictName(*outcome.refused));
    } else {
      last_error_.clear();
      accepted_ = outcome.accepted;
      last_verified_ = ReadClocks().wall;
      server_address_ = reached->connection.peer();
      pins_.Take(agent_.trust().server, outcome.web);
      proved_ = proved_ || outcome.proved;
    }
    if (after_reply_) after_reply_();
    auto receipts = agent_.TakeReceipts();
    std::ranges::move(outcome.receipts, std::back_inserter(receipts));
    co_await PostReceipts(std::move(receipts));
  }
  ended_ = made_;
  answered_.cancel();
}

// A receipt that is lost is no loss: the order comes again and is answered `done-before`.
asio::awaitable<void> Reporter::PostReceipts(std::vector<std::string> receipts) {
  for (const std::string& receipt : receipts) {
    const auto posted = co_await CallServer(config_, "POST", "/countersign/v1/receipt", receipt);
    if (posted && posted->status == 204) continue;
    log_.Write(LogLevel::kWarning,
               "a receipt was not taken: " +
                   (posted ? "HTTP " + std::to_string(posted->status) : posted.error().message));
    if (!posted) co_return;
  }
}

}  // namespace countersign::daemon
