#include "cli/usage.h"

#include <algorithm>

namespace countersign::cli {

Form FormOf(const std::vector<std::string>& args) {
  const bool json =
      std::ranges::any_of(args, [](const auto& arg) { return SwitchName(arg) == "json"; });
  return json ? Form::kJson : Form::kText;
}

Form FormOf(const Words& args) {
  const bool json =
      std::ranges::any_of(args, [](const auto& arg) { return IsSwitch(arg.text(), "json"); });
  return json ? Form::kJson : Form::kText;
}

Exit ExplainUsage(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  if (error.get_exit_code() != 0 &&
      FormOf(std::vector<std::string>(argv + 1, argv + argc)) == Form::kJson) {
    return PrintError({Code::kUsage, error.what(), app.get_name() + " --help"}, Form::kJson);
  }
  return app.exit(error) == 0 ? Exit::kOk : Exit::kUsage;
}

}  // namespace countersign::cli
