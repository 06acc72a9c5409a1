#include "daemon/agent_control.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "agent/present.h"
#include "daemon/mover_control.h"
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
  } else if (command != nullptr && *command == "renew") {
    const AgentInUse use{installation_, agent_, random_, log_};
    auto renewed = co_await RenewByHand(use, request);
    if (renewed) reporter_.Wake();
    answer.json = renewed ? *std::move(renewed) : Failed(renewed.error());
  } else if (command != nullptr && *command == "set-unload") {
    const auto set = SetUnload(agent_, installation_.unload, request, *object, ReadClocks());
    if (set) log_.Write(LogLevel::kWarning, "the unload password was changed on this machine");
    answer.json = set ? R"({"ok":true})" : Failed(set.error());
  } else if (command != nullptr && *command == "move") {
    auto moved = co_await Move(request);
    answer.json = moved ? std::move(moved->json) : Failed(moved.error());
    if (moved && moved->begin_anew) begin_anew_();
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
  status["proved"] = reporter_.proved();
  status["last_error"] = reporter_.last_error();
  status["pinned"] = reporter_.pinned();
  const auto last_verified = reporter_.last_verified();
  status["last_verified"] = last_verified ? FormatUtc(*last_verified) : "";
  return json::serialize(status);
}

// One at a time: the second would not know of the first.
asio::awaitable<Result<MoveAnswer>> AgentControl::Move(const net::ControlMessage& request) {
  if (moving_) co_return Fail(Code::kRefused, "this agent is being moved by somebody else");
  moving_ = true;
  const AgentInUse use{installation_, agent_, random_, log_};
  auto moved = co_await MoveByHand(use, request);
  moving_ = false;
  co_return moved;
}

}  // namespace countersign::daemon
