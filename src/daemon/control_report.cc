#include "daemon/control_report.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"

namespace countersign::daemon {

namespace asio = boost::asio;

asio::awaitable<std::string> ReportNow(agent::Agent& agent, Reporter& reporter) {
  constexpr Uptime kMost = std::chrono::seconds(60);
  const Times begun = ReadClocks();
  const Digest held = agent.trust().certificate.thumbprint();
  // One that is under way was begun before this was asked for: it is the next that counts.
  const std::uint64_t awaited = reporter.made() + 1;
  agent.ReportSoon(begun, Uptime(0));
  reporter.Wake();
  while (reporter.ended() < awaited) {
    const Uptime left = begun.boot + kMost - ReadClocks().boot;
    if (left <= Uptime(0)) break;
    co_await reporter.NextAnswer(left);
  }
  const bool ended = reporter.ended() >= awaited;
  const std::string why = ended ? reporter.last_error() : "no answer came within a minute";
  const auto refused = reporter.refused();
  const char* const result = why.empty() ? "verified" : refused ? "refused" : "not-reached";
  const boost::json::object answer{{"ok", true},
                                   {"result", result},
                                   {"why", why},
                                   {"verdict", refused ? trust::VerdictName(*refused) : ""},
                                   {"accepted", reporter.accepted()},
                                   {"generation", agent.trust().generation},
                                   {"serial", agent.trust().certificate.serial()},
                                   {"moved", agent.trust().certificate.thumbprint() != held}};
  co_return boost::json::serialize(answer);
}

}  // namespace countersign::daemon
