#include "cli/unload_commands.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "cli/progress.h"

namespace countersign::cli {
namespace {

server::AdminMessage RequestOf(std::string_view name, const UnloadCommand& command) {
  boost::json::array agents;
  for (const std::string& id : command.agents) agents.emplace_back(id);
  server::AdminMessage request;
  request.json = {{"command", name},
                  {"agents", std::move(agents)},
                  {"domain", command.domain},
                  {"all", command.all}};
  return request;
}

Exit Send(Session& session, server::AdminMessage request, std::string_view done, Form form) {
  const bool named = !List(request.json, "agents").empty();
  const auto answer = session.Call(std::move(request));
  if (!answer) return PrintError(answer.error(), form);
  if (form == Form::kJson) {
    PrintJson(answer->json);
    return Exit::kOk;
  }
  const bool goes_on = Flag(answer->json, "goes_on");
  const std::string covered = goes_on ? "all of that scope, which the server asks some each second"
                                      : Text(answer->json, "covered");
  PrintLine(std::string(done) + " for agents: " + covered +
            (named ? "." : ", and for those of the same scope that join later."));
  if (const std::string gone = Text(answer->json, "left_out"); gone != "0") {
    PrintLine("Left out, since they have moved to another server or are retired: " +
              std::string(goes_on ? "at least " : "") + gone + ".");
  }
  PrintLine("It goes to each over TLS only, and counts there when the agent has answered:");
  PrintLine("  countersign agents unload-password show");
  const std::string none = Text(answer->json, "no_private_way");
  if (none != "0") {
    PrintLine("Agents without TLS, which do not get it this way: " +
              std::string(goes_on ? "at least " : "") + none +
              ". Only the local administrator of each can set it:");
    PrintLine("  countersign-agentd unload-password set");
  }
  return Exit::kOk;
}

void PrintAgents(const boost::json::array& agents) {
  if (agents.empty()) return;
  Table table({"AGENT", "PASSWORD", "STATE", "HOST", "DOMAIN"});
  for (const auto& value : agents) {
    const auto& agent = value.as_object();
    const std::string state = Text(agent, "state");
    const bool nothing_said = state == "nothing-said" || state == "unknown";
    const std::string wanted = Flag(agent, "set") ? "set" : nothing_said ? "-" : "none";
    table.Add({Text(agent, "agent"), wanted, state, Text(agent, "host"), Text(agent, "domain")});
  }
  table.Print();
}

}  // namespace

Exit SetUnload(Session& session, const UnloadCommand& command, Form form) {
  auto verifier = MakeUnloadVerifier(command.password);
  if (!verifier) return PrintError(verifier.error(), form);
  auto request = RequestOf("unload-set", command);
  request.secrets.push_back(*std::move(verifier));
  return Send(session, std::move(request), "The unload password is set", form);
}

Exit ClearUnload(Session& session, const UnloadCommand& command, Form form) {
  return Send(session, RequestOf("unload-set", command), "No unload password shall be set any more",
              form);
}

Exit ShowUnload(Session& session, Form form) {
  boost::json::object all;
  boost::json::array agents;
  std::string after;
  do {
    server::AdminMessage request;
    request.json = {{"command", "unload-show"}, {"after", after}};
    auto answer = session.Call(std::move(request));
    if (!answer) return PrintError(answer.error(), form);
    after = Text(answer->json, "next_after");
    for (auto& agent : answer->json.at("agents").as_array()) agents.push_back(std::move(agent));
    all = std::move(answer->json);
  } while (!after.empty());
  all.erase("next_after");
  all["agents"] = std::move(agents);
  if (form == Form::kJson) {
    PrintJson(all);
    return Exit::kOk;
  }
  const auto& wishes = all.at("wishes").as_array();
  if (wishes.empty()) PrintLine("Nothing was said about unload passwords at this server.");
  for (const auto& value : wishes) {
    const auto& wish = value.as_object();
    PrintLine(Text(wish, "scope") + ": " + (Flag(wish, "set") ? "set" : "none") + ", since " +
              Text(wish, "since") + " by " + Text(wish, "by"));
  }
  PrintAgents(all.at("agents").as_array());
  return Exit::kOk;
}

}  // namespace countersign::cli
