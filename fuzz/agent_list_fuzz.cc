#include "cli/agent_list.h"
#include "fuzz/wire_fuzz.h"

using namespace countersign;

// A list that parses names each agent once, and says the same when it is written again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto list = cli::ParseAgentList(AsText({data, size}));
  if (!list) {
    fuzz::CheckRefusal(list.error(), Code::kMalformed);
    return 0;
  }
  std::string text;
  if (list->server) text = cli::FormatAgentListHead(list->server->Text());
  const std::string_view junk = AsText({data, size});
  for (const AgentId& agent : list->agents) {
    const auto at = list->belong.find(agent);
    text +=
        cli::FormatAgentListLine(agent.Text(), at == list->belong.end() ? "" : at->second.Text(),
                                 junk.substr(0, 64), junk.substr(0, 32));
  }
  const auto again = cli::ParseAgentList(text);
  Check(again.has_value() && *again == *list, "a list comes back");
  return 0;
}
