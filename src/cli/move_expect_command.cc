#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "cli/agent_list.h"
#include "cli/move_commands.h"
#include "cli/output_file.h"
#include "cli/shell_word.h"
#include "wire/move_target.h"

// countersign move expect: on the target.
namespace countersign::cli {
namespace {

// Agents of the list that would not be admitted. On standard error: target.json may go to the
// other one.
void PrintLeftOut(const boost::json::object& answer) {
  for (const auto& value : List(answer, "left_out")) {
    if (!value.is_object()) continue;
    const auto& agent = value.get_object();
    PrintToError("NOT admitted: agent " + Text(agent, "agent") + " (" + Text(agent, "host") +
                 "), " + Text(agent, "reason_text") + "; next: " + Text(agent, "next_step"));
  }
}

}  // namespace

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
    // The server adds the ports that are missing.
    if (const auto parsed = wire::ParseMoveAddress(address); !parsed) {
      const bool bare = wire::IsMoveHost(address) && address.find(':') != std::string::npos;
      const std::string next = bare ? "--address '[" + address + "]'"
                                    : "a name with letters beyond ASCII is given in its xn-- form";
      return PrintError(
          OrNext({Code::kUsage, "--address: " + parsed.error().message, parsed.error().next}, next),
          form);
    }
    addresses.emplace_back(address);
  }
  std::string from = command.from;
  const auto& listed = list->server;
  if (from.empty() && listed) from = listed->Text();
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
  for (const auto& warning : List(answer->json, "warnings")) {
    PrintToError("WARNING: " + std::string(warning.as_string()));
  }
  if (command.output.empty()) Print(target);
  PrintLeftOut(answer->json);
  // What a person compares where the agents come from: the file has the owner in another form.
  PrintToError("This server:      " + Text(answer->json, "server"));
  PrintToError("  its owner:      " + Text(answer->json, "owner"));
  if (command.output.empty()) return Exit::kOk;
  PrintLine(Text(answer->json, "agents") + " agents of server " + from +
            " are admitted here when they come, until " + Text(answer->json, "until") + ".");
  PrintLine("They are told to come to " + ListText(answer->json, "addresses") + ".");
  PrintLine("next, on their server: countersign move start --list " + ShellWord(command.list) +
            " --target " + ShellWord(command.output));
  return Exit::kOk;
}

}  // namespace countersign::cli
