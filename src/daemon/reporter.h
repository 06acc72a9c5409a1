#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <string>

#include "agent/agent.h"
#include "agent/installation.h"
#include "base/log.h"
#include "daemon/server_link.h"
#include "daemon/service.h"
#include "mover/renewal.h"
#include "net/http_client.h"
#include "trust/verdict.h"

namespace countersign::daemon {

// Renew carries a renewal through: report, reply, outcome. Stores nothing.
[[nodiscard]] boost::asio::awaitable<mover::Renewal::Outcome> Renew(
    mover::Renewal& renewal, store::AgentCounters& counters, const Instance& instance,
    const store::AgentConfig& config, const trust::DistrustList& distrust);

// Reporter makes the agent's reports when they are due, and posts the receipts of orders that came
// in replies. One thread; everything given must outlive it.
class Reporter {
 public:
  // `folder` is the agent's, where the web host's keys are kept.
  Reporter(const boost::asio::any_io_executor& executor, agent::Agent& agent,
           const std::filesystem::path& folder, const store::AgentConfig& config, Log& log)
      : agent_(agent),
        config_(config),
        pins_(folder, config, log),
        log_(log),
        waker_(executor),
        recall_(executor),
        answered_(executor, boost::asio::steady_timer::time_point::max()) {}

  // Wake looks at the agent's plan anew: a report that waits for its answer is given up if another
  // is due.
  void Wake() {
    waker_.Wake();
    WatchPlan();
  }
  [[nodiscard]] boost::asio::awaitable<void> Run();
  void Stop();
  // AfterReply: `then` is called whenever a reply was taken: its orders may have left tasks.
  void AfterReply(std::function<void()> then) { after_reply_ = std::move(then); }
  // ActEnded posts the receipt of an act that has ended, and wakes whoever waits for it.
  void ActEnded();
  // Whether an exchange with the server is under way (but a report that waits for its answer), or a
  // receipt waits to be posted.
  [[nodiscard]] bool busy() const { return busy_ && waiting_ == nullptr; }
  // NextAnswer returns when a report or an act has ended, or after `most`.
  [[nodiscard]] boost::asio::awaitable<void> NextAnswer(std::chrono::milliseconds most);
  // LastError is why the newest report failed; empty if it did not.
  [[nodiscard]] const std::string& last_error() const { return last_error_; }
  [[nodiscard]] std::optional<Instant> last_verified() const { return last_verified_; }
  // server_address is where the newest verified reply came from; nothing before the first.
  [[nodiscard]] const std::optional<net::IpAddress>& server_address() const {
    return server_address_;
  }
  // pinned: the newest report went to a web host whose key was known.
  [[nodiscard]] bool pinned() const { return pinned_; }
  // made and ended count reports since the start; refused: why the reply to the newest was refused,
  // if it was; accepted: the newest verified reply said that the server admits this agent.
  [[nodiscard]] std::uint64_t made() const { return made_; }
  [[nodiscard]] std::uint64_t ended() const { return ended_; }
  [[nodiscard]] std::optional<trust::Verdict> refused() const { return refused_; }
  [[nodiscard]] bool accepted() const { return accepted_; }
  // proved: since the start a report with a nonce of the server's had a verified reply, so that the
  // server has proof of what this agent holds.
  [[nodiscard]] bool proved() const { return proved_; }

 private:
  [[nodiscard]] boost::asio::awaitable<void> ReportOnce();
  [[nodiscard]] boost::asio::awaitable<void> PostReceipts(std::vector<std::string> receipts);
  void Failed(std::string why, unsigned retry_after);
  // PostWaiting: the answer may be held back, for as long as the agent says.
  [[nodiscard]] boost::asio::awaitable<Result<net::HttpResponse>> PostWaiting(
      net::HttpConnection& connection, const std::string& report);
  // WatchPlan gives the report that waits up when another is due. Saves the counters meanwhile.
  void WatchPlan();

  agent::Agent& agent_;
  const store::AgentConfig& config_;
  WebPins pins_;
  Log& log_;
  Waker waker_;
  boost::asio::steady_timer recall_;
  net::HttpConnection* waiting_ = nullptr;  // on which the answer to a report is awaited
  bool recalled_ = false;
  boost::asio::steady_timer answered_;  // never expires; cancelled to wake all who wait
  std::string last_error_;
  std::optional<Instant> last_verified_;
  std::optional<net::IpAddress> server_address_;
  bool pinned_ = false;
  std::function<void()> after_reply_;
  bool busy_ = false;
  std::uint64_t made_ = 0;
  std::uint64_t ended_ = 0;
  std::optional<trust::Verdict> refused_;
  bool accepted_ = false;
  bool proved_ = false;
  bool stopping_ = false;
};

}  // namespace countersign::daemon
