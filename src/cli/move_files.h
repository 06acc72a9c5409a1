#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "base/error.h"
#include "cli/move_commands.h"

// What the commands for moves are given by files, read as the caller.
namespace countersign::cli {

// AddWhom puts the selection into a request. kUsage unless it is exactly one; errors of
// ReadAgentList.
[[nodiscard]] Status AddWhom(boost::json::object& request, const MoveWhom& whom);

// ReadTarget reads the announcement that `move expect` wrote, whole and well-formed.
[[nodiscard]] Result<std::string> ReadTarget(const std::string& file);

}  // namespace countersign::cli
