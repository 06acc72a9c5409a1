#include "daemon/agent_control.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "agent/present.h"
#include "daemon/service_control.h"
#include "daemon/unload_control.h"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

const Error kUnknownCommand{Code::kUsage, "this agent does not know that command", ""};

std::string Failed(const Error& error) {
  return json::serialize(json::object{{"ok", false},
                                      {"code", CodeName(error.code)},
                                      {"message", error.message},
                                      {"next", error.next}});
}

}  // namespace

asio::awaitable<net::ControlMessage> AgentControl::Handle(net::ControlMessage request) {
  boost::system::error_code failed;
  const auto value = json::parse(request.json, failed);
  const auto* const object = failed ? nullptr : value.if_object();
  const auto* const command = object == nullptr ? nullptr : object->if_contains("command");
  net::ControlMessage answer;
  if (command != nullptr && *command == "status") {
    answer.json = ShowStatus();
  } else if (command != nullptr && *command == "renew" && request.blobs.size() == 1) {
    const auto* const verify = object->if_contains("verify");
    const bool unless_told = verify == nullptr || *verify != false;
    auto renewed = co_await RenewTrust(request.blobs.front(), unless_told);
    answer.json = renewed ? *std::move(renewed) : Failed(renewed.error());
  } else if (command != nullptr && *command == "set-unload") {
    const auto set = SetUnload(agent_, installation_.unload, request, *object, ReadClocks());
    if (set) log_.Write(LogLevel::kWarning, "the unload password was changed on this machine");
    answer.json = set ? R"({"ok":true})" : Failed(set.error());
  } else if (command != nullptr && command->is_string()) {
    const std::string name(command->get_string());
    auto served = co_await ServiceCommand(name, request, installation_, agent_, reporter_, random_);
    answer.json = served ? *std::move(served) : Failed(kUnknownCommand);
  } else {
    answer.json = Failed(kUnknownCommand);
  }
  co_return answer;
}

std::string AgentControl::ShowStatus() const {
  auto status = agent::StatusJson(agent_.id(), installation_.config, agent_.trust(),
                                  agent_.counters().head());
  status["ok"] = true;
  status["running"] = true;
  status["acts"] = agent::ActsJson(agent_);
  status["unload_password"] = UnloadJson(installation_.unload, ReadClocks());
  status["accepted"] = reporter_.accepted();
  status["last_error"] = reporter_.last_error();
  status["pinned"] = reporter_.pinned();
  status["last_verified"] = reporter_.last_verified() ? FormatUtc(*reporter_.last_verified()) : "";
  return json::serialize(status);
}

asio::awaitable<Result<std::string>> AgentControl::RenewTrust(const Bytes& der, bool verify) {
  const auto certificate = crypto::Certificate::Parse(der);
  if (!certificate) co_return std::unexpected(certificate.error());
  auto renewal = mover::Renewal::Begin(agent_.trust(), *certificate, installation_.profile,
                                       installation_.key, random_);
  if (!renewal) co_return std::unexpected(std::move(renewal).error());
  auto outcome = co_await Renew(**renewal, agent_.counters(), agent_.instance(),
                                installation_.config, installation_.distrust);
  outcome = mover::Decide(std::move(outcome), **renewal, verify);
  if (outcome.state) {
    const auto adopted = agent_.AdoptTrust(*outcome.state, ReadClocks());
    if (!adopted) co_return std::unexpected(adopted.error());
    reporter_.Wake();
  }
  log_.Write(LogLevel::kInfo, "trust renewed by local authority: " + outcome.why);
  co_return json::serialize(
      agent::RenewalJson(mover::ResultName(outcome.result), outcome.why, agent_.trust()));
}

}  // namespace countersign::daemon
