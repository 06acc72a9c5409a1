#include "cli/agent_commands.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "cli/mismatched.h"
#include "server/standing.h"

namespace countersign::cli {
namespace {

void PrintWarnings(const boost::json::object& status) {
  for (const auto& value : status.at("warnings").as_array()) {
    const auto& warning = value.as_object();
    PrintLine("WARNING: " + Text(warning, "text"));
    PrintLine("  next: " + Text(warning, "next"));
  }
}

}  // namespace

Exit ShowStatus(Session& session, Form form) {
  server::AdminMessage request;
  request.json = {{"command", "status"}};
  auto answer = session.Call(std::move(request));
  if (!answer) return PrintError(answer.error(), form);
  answer->json["running"] = session.server_runs();
  if (form == Form::kJson) {
    PrintJson(answer->json);
    return Exit::kOk;
  }
  PrintLine(session.server_runs() ? "The server is running." : "The server is not running.");
  if (const auto* const certificate = answer->json.if_contains("certificate")) {
    PrintLine("Certificate in use:");
    PrintCertificate(certificate->as_object(), "  ");
  }
  if (const auto* const reserve = answer->json.if_contains("reserve")) {
    PrintLine("Reserve: serial " + Text(reserve->as_object(), "serial") + ", valid until " +
              Text(reserve->as_object(), "not_after"));
  }
  std::string counts = "Agents: " + Text(answer->json, "agents");
  for (const auto& [standing, count] : answer->json.at("by_standing").as_object()) {
    counts += ", " + std::string(standing) + " " +
              Text(answer->json.at("by_standing").as_object(), standing);
  }
  PrintLine(counts);
  const std::string arriving =
      Text(answer->json.at("by_standing").as_object(), std::string(server::kArriving));
  if (!arriving.empty()) {
    PrintLine("Of those announced here, " + arriving +
              " have reported and not proved themselves yet: countersign agents list --standing "
              "arriving");
  }
  const auto& reach = answer->json.at("by_reachability").as_object();
  PrintLine("Reachability: online " + Text(reach, "online") + ", unreachable " +
            Text(reach, "unreachable") + ", offline " + Text(reach, "offline") +
            "; waiting for orders: " + Text(answer->json, "waiting"));
  PrintWarnings(answer->json);
  return Exit::kOk;
}

namespace {

// Who, for people: the user by the system, then what that user's program said.
std::string By(const boost::json::object& event) {
  const auto& by = event.at("by");
  if (!by.is_object()) return "the server";
  const auto& actor = by.get_object();
  std::string text = Text(actor, "name") + " (uid " + Text(actor, "uid") + ")";
  if (const std::string terminal = Text(actor, "terminal"); !terminal.empty()) {
    text += ", terminal " + terminal;
  }
  if (const std::string login = Text(actor, "login"); !login.empty()) text += ", login " + login;
  return text;
}

// All events, page by page.
Result<boost::json::array> AllEvents(Session& session) {
  boost::json::array events;
  std::int64_t after = 0;
  for (;;) {
    server::AdminMessage request;
    request.json = {{"command", "events"}, {"after", after}};
    const auto answer = session.Call(std::move(request));
    if (!answer) return std::unexpected(answer.error());
    const auto& page = answer->json.at("events").as_array();
    if (page.empty()) return events;
    after = page.back().as_object().at("id").to_number<std::int64_t>();
    events.insert(events.end(), page.begin(), page.end());
  }
}

}  // namespace

Exit ListEvents(Session& session, Form form) {
  auto events = AllEvents(session);
  if (!events) return PrintError(events.error(), form);
  if (form == Form::kJson) {
    PrintJson({{"ok", true}, {"events", *std::move(events)}});
    return Exit::kOk;
  }
  Table table({"AT", "EVENT", "TEXT", "BY"});
  for (const auto& value : *events) {
    const auto& event = value.as_object();
    table.Add({Text(event, "at"), Text(event, "kind"), Text(event, "text"), By(event)});
  }
  table.Print();
  return Exit::kOk;
}

Exit ListAgents(Session& session, const ListCommand& command, Form form) {
  boost::json::array agents;
  Table table({"AGENT", "HOST", "ADDRESS", "DOMAIN", "STANDING", "REASON", "GENERATION",
               "REACHABILITY", "LAST CONTACT"});
  const auto listed = ForEachAgent(session, command.standings, [&](const auto& agent) {
    if (command.exposed && !Flag(agent, "exposed")) return;
    if (command.earlier_owner && !Flag(agent, "earlier_owner")) return;
    if (!command.reach.empty() && Text(agent, "reachability") != command.reach) return;
    if (form == Form::kJson) {
      agents.push_back(agent);
      return;
    }
    table.Add({Text(agent, "agent"), Text(agent, "host"),
               Text(agent, "address") + ":" + Text(agent, "port"), Text(agent, "domain"),
               Text(agent, "standing"), Text(agent, "reason"), Text(agent, "generation_held"),
               Text(agent, "reachability"), Text(agent, "last_contact")});
  });
  if (!listed) return PrintError(listed.error(), form);
  if (form == Form::kJson) {
    PrintJson({{"ok", true}, {"agents", std::move(agents)}});
  } else {
    table.Print();
  }
  return Exit::kOk;
}

Exit ShowAgent(Session& session, const std::string& agent, Form form) {
  server::AdminMessage request;
  request.json = {{"command", "agent"}, {"agents", boost::json::array{agent}}};
  const auto answer = session.Call(std::move(request));
  if (!answer) return PrintError(answer.error(), form);
  if (form == Form::kJson) {
    PrintJson(answer->json);
    return Exit::kOk;
  }
  for (const auto& [name, value] : answer->json.at("agent").as_object()) {
    const std::string text = Text(answer->json.at("agent").as_object(), name);
    if (!text.empty()) PrintLine(std::string(name) + ": " + text);
  }
  for (const auto& value : answer->json.at("open_orders").as_array()) {
    const auto& order = value.as_object();
    PrintLine("open order " + Text(order, "order") + ": " + Text(order, "act") + ", " +
              Text(order, "state") + " " + Text(order, "verdict"));
  }
  return Exit::kOk;
}

Exit ChangeAgents(Session& session, std::string_view command,
                  const std::vector<std::string>& agents, Form form) {
  server::AdminMessage request;
  request.json = {{"command", command},
                  {"agents", boost::json::array(agents.begin(), agents.end())}};
  const auto answer = session.Call(std::move(request));
  if (!answer) return PrintError(answer.error(), form);
  if (form == Form::kJson) {
    PrintJson(answer->json);
  } else {
    PrintLine(std::string(command) + ": " + Text(answer->json, "changed") + " agents.");
  }
  return Exit::kOk;
}

}  // namespace countersign::cli
