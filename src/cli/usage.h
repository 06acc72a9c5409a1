#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "cli/exit_codes.h"
#include "cli/output.h"
#include "cli/switches.h"

namespace countersign::cli {

// FormOf is the form of messages about arguments that make no sense: JSON if -json or --json is
// among them.
[[nodiscard]] Form FormOf(const std::vector<std::string>& args);
[[nodiscard]] Form FormOf(const Words& args);

// ExplainUsage prints what CLI11 has to say: help or the version (kOk), or what is wrong with the
// arguments (kUsage).
[[nodiscard]] Exit ExplainUsage(const CLI::App& app, const CLI::ParseError& error, int argc,
                                char** argv);

}  // namespace countersign::cli
