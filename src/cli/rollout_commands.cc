#include "cli/rollout_commands.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <string_view>
#include <utility>

#include "cli/amounts.h"
#include "cli/campaign.h"
#include "cli/certificate_commands.h"
#include "cli/rollout_text.h"

namespace countersign::cli {
namespace {

constexpr std::string_view kClassNames = "taken, at-once, next-contact, unseen or hands";

// AddShare puts a share that was typed into the request, in basis points; nothing if none was.
Status AddShare(boost::json::object& request, std::string_view name, const std::string& typed) {
  if (typed.empty()) return {};
  const auto share = ParseShare(typed);
  if (!share) return std::unexpected(share.error());
  request[name] = *share;
  return {};
}

Result<boost::json::object> Plan(Session& session, const RolloutPlanCommand& command) {
  boost::json::object request = {{"command", "rollout-plan"}};
  COUNTERSIGN_RETURN_IF_ERROR(AddShare(request, "canary_share", command.canary));
  if (!command.domains.empty())
    request["domains"] = boost::json::array(command.domains.begin(), command.domains.end());
  if (!command.names.empty()) {
    request["class"] = command.names;
    request["limit"] = kPageLen;
    return AllPages(session, request, "the agents");
  }
  server::AdminMessage message;
  message.json = std::move(request);
  auto answer = session.Call(std::move(message), "judging every agent");
  if (!answer) return std::unexpected(std::move(answer).error());
  answer->json.erase("names");
  answer->json.erase("next_after");
  return std::move(answer->json);
}

// Ask is for commands whose answer is the rollout.
Exit Ask(Session& session, boost::json::object json, Form form) {
  server::AdminMessage request;
  request.json = std::move(json);
  const auto answer = session.Call(std::move(request));
  if (!answer) return PrintError(answer.error(), form);
  if (form == Form::kJson) {
    PrintJson(answer->json);
  } else {
    Print(RolloutText(Object(answer->json, "rollout")));
  }
  return Exit::kOk;
}

Result<server::AdminMessage> StartRequest(const RolloutStartCommand& command) {
  server::AdminMessage request;
  request.json = {{"command", "rollout-start"},
                  {"domains", boost::json::array(command.domains.begin(), command.domains.end())},
                  {"rate", command.rate},
                  {"from_reserve", command.from_reserve},
                  {"clock_is_right", command.clock_is_right}};
  COUNTERSIGN_RETURN_IF_ERROR(AddShare(request.json, "canary_share", command.canary));
  COUNTERSIGN_RETURN_IF_ERROR(AddShare(request.json, "halt_at", command.halt_at));
  const auto soak = ParseDuration(command.soak);
  if (!soak) return std::unexpected(soak.error());
  request.json["soak_seconds"] = soak->count();
  if (command.from_reserve) return request;
  auto password = GetPassword(command.password, Prompt::kOnce);
  if (!password) return std::unexpected(std::move(password).error());
  request.secrets.push_back(*std::move(password));
  return request;
}

Result<boost::json::object> End(Session& session, std::string_view command, bool accept) {
  server::AdminMessage request;
  request.json = {{"command", command}, {"accept", accept}};
  auto answer = session.Call(std::move(request));
  if (!answer) return std::unexpected(std::move(answer).error());
  return std::move(answer->json);
}

Exit OutcomeOf(const boost::json::object& answer) {
  return Flag(answer, "done") ? Exit::kOk : Exit::kGate;
}

void PrintLeftBehind(const boost::json::object& fleet) {
  const std::uint64_t hands = Number(fleet, "hands");
  const std::uint64_t behind = Number(fleet, "agents") - Number(fleet, "taken") - hands;
  if (behind > 0) {
    PrintLine(std::to_string(behind) + " without it take it over at their next contact: " +
              "countersign agents list --standing behind");
  }
  if (hands > 0) {
    PrintLine(std::to_string(hands) + " without it need hands: CertificateManager -l FILE.csv");
  }
}

}  // namespace

Exit PlanRollout(Session& session, const RolloutPlanCommand& command, Form form) {
  const auto plan = Plan(session, command);
  if (!plan) return PrintError(plan.error(), form);
  if (form == Form::kJson) {
    PrintJson(*plan);
    return Exit::kOk;
  }
  PrintFleet(Object(*plan, "fleet"));
  if (!command.canary.empty() || !command.domains.empty()) {
    PrintLine("");
    PrintLine("The first wave has " + std::to_string(Number(*plan, "canary")) + " of them.");
  }
  PrintLine("");
  if (command.names.empty()) {
    PrintLine("Nothing was changed. By name: --names CLASS (" + std::string(kClassNames) + ")");
  } else {
    PrintNames(List(*plan, "names"));
  }
  return Exit::kOk;
}

Exit StartRollout(Session& session, const RolloutStartCommand& command, Form form) {
  auto request = StartRequest(command);
  if (!request) return PrintError(request.error(), form);
  const auto answer = session.Call(*std::move(request), "starting the rollout");
  if (!answer) return PrintError(answer.error(), form);
  const Exit exit = PrintChanged(*answer, "started the rollout of a new certificate", form);
  if (form == Form::kText) Print(WhatHappensNow(Object(answer->json, "rollout")));
  return exit;
}

Exit PauseRollout(Session& session, Form form) {
  return Ask(session, {{"command", "rollout-pause"}}, form);
}

Exit ResumeRollout(Session& session, const RolloutResumeCommand& command, Form form) {
  boost::json::object request = {{"command", "rollout-resume"}};
  if (const auto added = AddShare(request, "halt_at", command.halt_at); !added) {
    return PrintError(added.error(), form);
  }
  if (command.rate) request["rate"] = *command.rate;
  return Ask(session, std::move(request), form);
}

Exit FinishRollout(Session& session, bool accept, Form form) {
  server::AdminMessage answer;
  auto ended = End(session, "rollout-finish", accept);
  if (!ended) return PrintError(ended.error(), form);
  answer.json = *std::move(ended);
  const Exit exit = OutcomeOf(answer.json);
  if (exit == Exit::kOk) {
    (void)PrintChanged(answer, "finished the rollout: its certificate is the one in use", form);
    if (form == Form::kText) PrintLeftBehind(Object(answer.json, "fleet"));
    return exit;
  }
  if (form == Form::kJson) {
    PrintJson(answer.json);
  } else {
    PrintGate(answer.json);
  }
  return exit;
}

Exit AbortRollout(Session& session, bool accept, Form form) {
  const auto answer = End(session, "rollout-abort", accept);
  if (!answer) return PrintError(answer.error(), form);
  if (form == Form::kJson) {
    PrintJson(*answer);
  } else {
    PrintAborted(*answer, accept);
  }
  return OutcomeOf(*answer);
}

Exit RollBack(Session& session, const RollBackCommand& command, Form form) {
  server::AdminMessage request;
  request.json = {{"command", "rollout-rollback"}, {"clock_is_right", command.clock_is_right}};
  auto password = GetPassword(command.password, Prompt::kOnce);
  if (!password) return PrintError(password.error(), form);
  request.secrets.push_back(*std::move(password));
  const auto answer = session.Call(std::move(request), "rolling back");
  if (!answer) return PrintError(answer.error(), form);
  const Exit exit =
      PrintChanged(*answer, "rolled back: a new certificate for the earlier key", form);
  if (form == Form::kText) {
    PrintLine(
        "It goes to everybody at once. Agents take it over at their next contact; countersign "
        "order send --all update-now does it at once.");
  }
  return exit;
}

}  // namespace countersign::cli
