#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "cli/agent_list.h"
#include "cli/campaign.h"
#include "cli/move_commands.h"
#include "cli/move_files.h"
#include "cli/output_file.h"
#include "cli/shell_word.h"

// countersign move plan.
namespace countersign::cli {
namespace {

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
    text += FormatAgentListLine(Text(agent, "agent"), Text(agent, "server"), Text(agent, "host"),
                                Text(agent, "domain"));
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
  PrintLine("  on the target:  countersign move expect " + ShellWord(command.output) +
            " -o target.json");
  PrintLine("  then here:      countersign move start --list " + ShellWord(command.output) +
            " --target target.json");
}

}  // namespace

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
  const auto plan = AllPages(session, request, "the agents");
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

}  // namespace countersign::cli
