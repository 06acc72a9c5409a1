#include "daemon/service_control.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <csignal>
#include <utility>

#include "base/files.h"
#include "daemon/agent_probe.h"
#include "daemon/control_report.h"
#include "daemon/unload_control.h"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

std::string Failed(const Error& error) {
  return json::serialize(json::object{{"ok", false},
                                      {"code", CodeName(error.code)},
                                      {"message", error.message},
                                      {"next", error.next}});
}

std::string Stop(const net::ControlMessage& request, agent::Agent& agent) {
  boost::system::error_code failed;
  const auto value = json::parse(request.json, failed);
  if (failed || !value.is_object()) return Failed({Code::kMalformed, "no JSON object", ""});
  const agent::UnloadKey key = UnloadKeyOf(request, value.get_object());
  if (const auto passed = agent.PassUnload(key, ReadClocks()); !passed) {
    return Failed(passed.error());
  }
  // The same way out as for the service manager: answers under way are given first, this one too.
  std::raise(SIGTERM);
  return R"({"ok":true})";
}

}  // namespace

Result<std::string> ReloadSettings(agent::Installation& installation, agent::Agent& agent) {
  const auto path = installation.folder->path() / "agent.toml";
  const auto text = ReadFile(path, store::kMaxConfigLen);
  if (!text) return std::unexpected(text.error());
  auto config = store::ParseAgentConfig(AsText(*text));
  if (!config) return WithContext(path.string(), std::move(config).error());
  store::AgentConfig& now = installation.config;
  const bool later = config->listen != now.listen || config->listen_port != now.listen_port ||
                     config->tls != now.tls;
  config->listen = now.listen;
  config->listen_port = now.listen_port;
  config->tls = now.tls;
  now = *std::move(config);
  installation.profile = agent::ProfileOf(now);
  agent.SetProfile(installation.profile);
  return std::string("agent.toml was read anew") +
         (later ? "; listen, listen_port and tls hold from the next start" : "");
}

asio::awaitable<std::optional<std::string>> ServiceCommand(std::string_view command,
                                                           const net::ControlMessage& request,
                                                           agent::Installation& installation,
                                                           agent::Agent& agent, Reporter& reporter,
                                                           RandomSource& random) {
  if (command == "update-now") co_return co_await ReportNow(agent, reporter);
  if (command == "stop") co_return Stop(request, agent);
  if (command == "reload") {
    const auto reloaded = ReloadSettings(installation, agent);
    if (!reloaded) co_return Failed(reloaded.error());
    co_return json::serialize(json::object{{"ok", true}, {"text", *reloaded}});
  }
  if (command != "check") co_return std::nullopt;
  const auto made =
      co_await TryExchange(installation, agent.trust(), agent.counters(), agent.instance(), random);
  auto answer = ExchangeJson(made);
  answer["ok"] = true;
  co_return json::serialize(answer);
}

}  // namespace countersign::daemon
