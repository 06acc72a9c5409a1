#pragma once

#include <boost/json/object.hpp>
#include <string>

// What the server says of a move, for people. Objects as server::Admin's move-status has them.
namespace countersign::cli {

// MoveRests: it does not go on by itself.
[[nodiscard]] bool MoveRests(const boost::json::object& move);
// MoveBar is one line on a terminal: "running [####....] 80/200 moved, 3 failed".
[[nodiscard]] std::string MoveBar(const boost::json::object& move);
// MoveText is where it stands, in lines that end with the command to run next.
[[nodiscard]] std::string MoveText(const boost::json::object& move);
// ExpectedText is what this server expects from others; empty if nothing.
[[nodiscard]] std::string ExpectedText(const boost::json::object& expected);

}  // namespace countersign::cli
