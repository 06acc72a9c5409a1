#include "cli/history_commands.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

namespace countersign::cli {

Exit VerifyHistory(Session& session, Form form) {
  server::AdminMessage request;
  request.json = {{"command", "history-verify"}};
  const auto answer = session.Call(std::move(request));
  if (!answer) return PrintError(answer.error(), form);
  const auto& json = answer->json;
  const bool is_whole = json.at("problem").is_null();
  const Exit exit = is_whole ? Exit::kOk : Exit::kDamaged;
  if (form == Form::kJson) {
    PrintJson(json);
    return exit;
  }
  if (is_whole) {
    PrintLine("The history is whole: " + Text(json, "lines") + " lines from number " +
              Text(json, "first") + ", of which " + Text(json, "unsigned") + " are not signed.");
    PrintLine("Head: " + Text(json, "head"));
    return exit;
  }
  const auto& problem = json.at("problem").as_object();
  const std::string line = Text(problem, "line");
  PrintLine("The history was altered. " + (line == "0" ? "" : "Line " + line + ": ") +
            Text(problem, "what") + ".");
  PrintLine(
      "next: compare with a copy of registry.db, or with the heads that agents remember: "
      "countersign-agentd status");
  return exit;
}

Exit ExportHistory(Session& session, Form form) {
  boost::json::array lines;
  std::int64_t after = 0;
  for (;;) {
    server::AdminMessage request;
    request.json = {{"command", "history"}, {"after", after}};
    const auto answer = session.Call(std::move(request));
    if (!answer) return PrintError(answer.error(), form);
    const auto& page = answer->json.at("lines").as_array();
    if (page.empty()) break;
    after = page.back().as_object().at("number").to_number<std::int64_t>();
    for (const auto& line : page) {
      if (form == Form::kText) PrintLine(Text(line.as_object(), "line"));
    }
    if (form == Form::kJson) lines.insert(lines.end(), page.begin(), page.end());
  }
  if (form == Form::kJson) PrintJson({{"ok", true}, {"lines", std::move(lines)}});
  return Exit::kOk;
}

}  // namespace countersign::cli
