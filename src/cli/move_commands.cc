#include "cli/move_commands.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <string_view>
#include <utility>

#include "base/files.h"
#include "cli/agent_list.h"
#include "cli/amounts.h"
#include "cli/move_text.h"
#include "cli/output_file.h"
#include "cli/progress.h"
#include "crypto/hash.h"
#include "crypto/pkcs12.h"
#include "server/move_warrants.h"
#include "wire/move_target.h"

namespace countersign::cli {
namespace {

constexpr std::size_t kMaxWarrantsLen = 2UL * 1024 * 1024;
constexpr std::uint64_t kMostRate = 1'000'000;

// AddWhom puts the selection into a request; a list is read here, as the caller.
Status AddWhom(boost::json::object& request, const MoveWhom& whom) {
  const int given = (whom.agents.empty() ? 0 : 1) + (whom.list.empty() ? 0 : 1) +
                    (whom.domain.empty() ? 0 : 1) + (whom.all ? 1 : 0);
  if (given != 1) {
    return Fail(Code::kUsage, "say which agents: --agent, --list, --domain or --all",
                "countersign move plan --all");
  }
  boost::json::array agents;
  for (const auto& agent : whom.agents) agents.emplace_back(agent);
  if (!whom.list.empty()) {
    const auto list = ReadAgentList(whom.list);
    if (!list) return std::unexpected(list.error());
    for (const AgentId& agent : list->agents) agents.emplace_back(agent.Text());
  }
  if (!agents.empty()) request["agents"] = std::move(agents);
  if (!whom.domain.empty()) request["domain"] = whom.domain;
  if (whom.all) request["all"] = true;
  return {};
}

Result<boost::json::object> AllOfPlan(Session& session, boost::json::object request) {
  boost::json::object plan;
  boost::json::array names;
  const Progress progress("reading the agents");
  std::string after;
  do {
    server::AdminMessage message;
    message.json = request;
    message.json["after"] = after;
    const auto page = session.Call(std::move(message));
    if (!page) return std::unexpected(page.error());
    if (plan.empty()) plan = page->json;
    for (const auto& name : List(page->json, "names")) names.push_back(name);
    after = Text(page->json, "next_after");
  } while (!after.empty());
  plan.erase("next_after");
  plan["names"] = std::move(names);
  return plan;
}

Status WriteList(const boost::json::object& plan, const MovePlanCommand& command) {
  if (command.output.empty()) return {};
  std::string text = FormatAgentListHead(Text(plan, "server"));
  std::size_t listed = 0;
  for (const auto& value : List(plan, "names")) {
    if (!value.is_object() || Text(value.get_object(), "class") == "hands") continue;
    const auto& agent = value.get_object();
    if (++listed > kMaxListedAgents) {
      return Fail(Code::kExhausted,
                  "there are more agents to move than a list holds, " +
                      std::to_string(kMaxListedAgents) + "; " + command.output + " was not written",
                  "countersign move plan --domain DOMAIN -o FILE, for one domain after another");
    }
    text += FormatAgentListLine(Text(agent, "agent"), Text(agent, "host"), Text(agent, "domain"));
  }
  return WriteOutput(command.output, AsBytes(text), FileMode::kPublic,
                     command.replace ? Existing::kReplace : Existing::kKeep);
}

void PrintPlan(const boost::json::object& plan, const MovePlanCommand& command) {
  Table table({"AGENTS", "WOULD HEAR OF IT"});
  table.Add({Text(plan, "at_once"), "at once: the server calls them"});
  table.Add({Text(plan, "next_contact"), "at their next contact"});
  table.Add({Text(plan, "unseen"), "when they are seen again"});
  table.Add({Text(plan, "hands"), "not at all: they need hands"});
  table.Add({Text(plan, "agents"), "together"});
  table.Print();
  Table names({"AGENT", "HOST", "DOMAIN", "WHEN", "WHY", "NEXT"});
  bool any = false;
  for (const auto& value : List(plan, "names")) {
    if (!value.is_object()) continue;
    const auto& agent = value.get_object();
    const bool hands = Text(agent, "class") == "hands";
    if (!hands && !command.names) continue;
    any = true;
    names.Add({Text(agent, "agent"), Text(agent, "host"), Text(agent, "domain"),
               Text(agent, "class"), Text(agent, "reason_text"), Text(agent, "next_step")});
  }
  if (any) {
    PrintLine("");
    names.Print();
  }
  PrintLine("");
  if (command.output.empty()) {
    PrintLine("Nothing was changed. next: the same with -o agents.list, for the target");
    return;
  }
  PrintLine("Nothing was changed. Those that can be moved are in " + command.output + ". next:");
  PrintLine("  on the target:  countersign move expect " + command.output + " -o target.json");
  PrintLine("  then here:      countersign move start --list " + command.output +
            " --target target.json");
}

Result<std::string> ReadTarget(const std::string& file) {
  const auto content = ReadFile(file, wire::kMaxAnnouncementLen);
  if (!content) return std::unexpected(content.error());
  const auto target = wire::ParseMoveAnnouncement(AsText(*content));
  if (!target) {
    Error error = target.error();
    error.next = "countersign move expect agents.list -o target.json (on the target)";
    return WithContext(file, std::move(error));
  }
  return std::string(AsText(*content));
}

Status AddTerms(boost::json::object& request, const std::string& rate, const std::string& halt_at) {
  if (!rate.empty()) {
    const auto number = ParseRate(rate);
    if (!number) return std::unexpected(number.error());
    request["rate"] = *number;
  }
  if (halt_at.empty()) return {};
  const auto share = ParseShare(halt_at);
  if (!share) return std::unexpected(share.error());
  request["halt_at"] = *share;
  return {};
}

Result<server::AdminMessage> StartRequest(const MoveStartCommand& command) {
  server::AdminMessage request;
  request.json = {{"command", "move-start"}};
  COUNTERSIGN_RETURN_IF_ERROR(AddWhom(request.json, command.whom));
  COUNTERSIGN_RETURN_IF_ERROR(AddTerms(request.json, command.rate, command.halt_at));
  auto target = ReadTarget(command.target);
  if (!target) return std::unexpected(std::move(target).error());
  request.json["target"] = *target;
  if (!command.warrant.empty()) {
    auto warrants = ReadFile(command.warrant, kMaxWarrantsLen);
    if (!warrants) return std::unexpected(std::move(warrants).error());
    request.blobs.push_back(*std::move(warrants));
    return request;
  }
  auto password = GetPassword(command.password, Prompt::kOnce);
  if (!password) return std::unexpected(std::move(password).error());
  request.secrets.push_back(*std::move(password));
  return request;
}

const boost::json::object& Member(const boost::json::object& value, std::string_view name) {
  static const boost::json::object kNone;
  const auto* const member = value.if_contains(name);
  return member != nullptr && member->is_object() ? member->get_object() : kNone;
}

// For commands whose answer is a campaign.
Exit Ask(Session& session, boost::json::object json, std::string_view done, Form form) {
  server::AdminMessage request;
  request.json = std::move(json);
  const auto answer = session.Call(std::move(request));
  if (!answer) return PrintError(answer.error(), form);
  if (form == Form::kJson) {
    PrintJson(answer->json);
    return Exit::kOk;
  }
  if (answer->json.contains("move")) {
    Print(MoveText(Member(answer->json, "move")));
  } else {
    PrintLine(done);
  }
  return Exit::kOk;
}

Result<std::string> SignWarrants(const MoveWarrantCommand& command) {
  if (command.all != command.list.empty()) {
    return Fail(Code::kUsage, "say for which agents: --list, or --all");
  }
  const auto text = ReadTarget(command.target);
  if (!text) return std::unexpected(text.error());
  AgentList list;
  if (!command.list.empty()) {
    auto read = ReadAgentList(command.list);
    if (!read) return std::unexpected(std::move(read).error());
    list = *std::move(read);
  }
  if (!command.server.empty()) list.server = ServerId::ParseText(command.server);
  if (!list.server) {
    return Fail(Code::kUsage, "--server: the id of the server whose agents move",
                "countersign owner show (there)");
  }
  const auto target = wire::ParseMoveAnnouncement(*text);
  if (!target) return std::unexpected(target.error());
  const auto backup = ReadFile(command.backup, crypto::kPkcs12MaxLen);
  if (!backup) return std::unexpected(backup.error());
  const auto password = GetPassword(command.password, Prompt::kOnce);
  if (!password) return std::unexpected(password.error());
  const Progress progress("signing with the owner key");
  crypto::SystemRandom random;
  const auto warrants = server::MakeMoveWarrants(
      *backup, *password,
      {.server = *list.server,
       .target = target->target,
       .agents = list.agents,
       .life = std::chrono::hours(24 * static_cast<std::int64_t>(command.days))},
      random, ReadClocks().wall);
  if (!warrants) return std::unexpected(warrants.error());
  std::string lines;
  for (const auto& warrant : *warrants) lines += warrant + "\n";
  return lines;
}

}  // namespace

Result<std::uint64_t> ParseRate(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  const bool is_minute = unit.empty() || unit == "/min" || unit == "/m";
  const bool is_second = unit == "/s";
  if (failed == std::errc() && number <= kMostRate && (is_minute || is_second)) {
    const std::uint64_t rate = is_second ? number * 60 : number;
    if (rate <= kMostRate) return rate;
  }
  return Fail(Code::kUsage, "\"" + std::string(text.substr(0, 32)) +
                                "\" is no rate like 60/min, 5/s or 0 (no limit)");
}

Exit PlanMove(Session& session, const MovePlanCommand& command, Form form) {
  if (!command.output.empty()) {
    const auto existing = command.replace ? Existing::kReplace : Existing::kKeep;
    if (const auto fine = CheckOutput(command.output, existing); !fine) {
      return PrintError(fine.error(), form);
    }
  }
  boost::json::object request = {{"command", "move-plan"}};
  if (const auto added = AddWhom(request, command.whom); !added) {
    return PrintError(added.error(), form);
  }
  const auto plan = AllOfPlan(session, std::move(request));
  if (!plan) return PrintError(plan.error(), form);
  if (const auto written = WriteList(*plan, command); !written) {
    return PrintError(written.error(), form);
  }
  if (form == Form::kJson) {
    PrintJson(*plan);
  } else {
    PrintPlan(*plan, command);
  }
  return Number(*plan, "hands") > 0 ? Exit::kMoveHands : Exit::kOk;
}

Exit StartMove(Session& session, const MoveStartCommand& command, Form form) {
  auto request = StartRequest(command);
  if (!request) return PrintError(request.error(), form);
  const auto answer = session.Call(*std::move(request), "making the warrants");
  if (!answer) return PrintError(answer.error(), form);
  if (form == Form::kJson) {
    PrintJson(answer->json);
    return Exit::kOk;
  }
  Print(MoveText(Member(answer->json, "move")));
  if (Number(answer->json, "left_out") > 0) {
    PrintLine(Text(answer->json, "left_out") +
              " agents take no orders and are left out: countersign move plan names them.");
  }
  PrintLine("How far it is: countersign move status");
  if (!session.server_runs()) {
    PrintLine("The server is not running: nothing moves until countersignd is started.");
  }
  return Exit::kOk;
}

Exit ResumeMove(Session& session, const MoveResumeCommand& command, Form form) {
  boost::json::object request = {{"command", "move-resume"}};
  if (const auto added = AddTerms(request, command.rate, command.halt_at); !added) {
    return PrintError(added.error(), form);
  }
  return Ask(session, std::move(request), "Nobody is left to be moved.", form);
}

Exit AbortMove(Session& session, Form form) {
  return Ask(session, {{"command", "move-abort"}},
             "Aborted: nobody else is ordered away. An order that was sent already may be carried "
             "out all the same: countersign move status says so.",
             form);
}

Exit ExpectAgents(Session& session, const MoveExpectCommand& command, Form form) {
  const auto existing = command.replace ? Existing::kReplace : Existing::kKeep;
  if (!command.output.empty()) {
    if (const auto fine = CheckOutput(command.output, existing); !fine) {
      return PrintError(fine.error(), form);
    }
  }
  const auto list = ReadAgentList(command.list);
  if (!list) return PrintError(list.error(), form);
  boost::json::array agents;
  for (const AgentId& agent : list->agents) agents.emplace_back(agent.Text());
  boost::json::array addresses;
  for (const auto& address : command.addresses) {
    const auto parsed = wire::ParseMoveAddress(address);
    if (!parsed) return PrintError(parsed.error(), form);
    addresses.emplace_back(wire::FormatMoveAddress(*parsed));
  }
  std::string from = command.from;
  if (from.empty() && list->server) from = list->server->Text();
  server::AdminMessage request;
  request.json = {{"command", "move-expect"},
                  {"agents", std::move(agents)},
                  {"addresses", std::move(addresses)},
                  {"from_server", from},
                  {"days", command.days}};
  const auto answer = session.Call(std::move(request));
  if (!answer) return PrintError(answer.error(), form);
  const std::string target = Text(answer->json, "target");
  if (!command.output.empty()) {
    const auto written = WriteOutput(command.output, AsBytes(target), FileMode::kPublic, existing);
    if (!written) return PrintError(written.error(), form);
  }
  if (form == Form::kJson) {
    PrintJson(answer->json);
    return Exit::kOk;
  }
  if (command.output.empty()) {
    Print(target);
    return Exit::kOk;
  }
  PrintLine(Text(answer->json, "agents") + " agents of server " + from +
            " are admitted here when they come, until " + Text(answer->json, "until") + ".");
  PrintLine("They are told to come to " + ListText(answer->json, "addresses") + ".");
  PrintLine("next, on their server: countersign move start --list " + command.list + " --target " +
            command.output);
  return Exit::kOk;
}

Exit MakeWarrant(const MoveWarrantCommand& command, Form form) {
  const auto existing = command.replace ? Existing::kReplace : Existing::kKeep;
  if (const auto fine = CheckOutput(command.output, existing); !fine) {
    return PrintError(fine.error(), form);
  }
  const auto warrants = SignWarrants(command);
  if (!warrants) return PrintError(warrants.error(), form);
  const auto written = WriteOutput(command.output, AsBytes(*warrants), FileMode::kPublic, existing);
  if (!written) return PrintError(written.error(), form);
  if (form == Form::kJson) {
    PrintJson({{"ok", true}, {"file", command.output}});
    return Exit::kOk;
  }
  PrintLine("The warrants are in " + command.output + ". They are no secret: they send these " +
            "agents to that target and nowhere else.");
  PrintLine("next, on the server whose agents move: countersign move start --target " +
            command.target + " --warrant " + command.output +
            (command.all ? " --all" : " --list " + command.list));
  return Exit::kOk;
}

}  // namespace countersign::cli
