#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/config.h"

// agent.toml is its administrator's file: what a program changes in it leaves his comments, his
// order of keys and his line ends as they are. Pure functions.
namespace countersign::store {

// EditAgentConfig returns `text` changed so that it says `wanted`: values that differ are replaced
// where they stand, keys that are missing are put behind the last one outside of tables, a table
// [enrol] that is new stands at the end, and one that is wanted no more goes, with the comments
// that this program wrote to it. All other octets stay. Nothing if that cannot be done for sure:
// `text` is no agent.toml, or the outcome does not read as `wanted`.
[[nodiscard]] std::optional<std::string> EditAgentConfig(std::string_view text,
                                                         const AgentConfig& wanted);

// RewriteAgentConfig is that, or where it cannot be done FormatAgentConfig(wanted).
[[nodiscard]] std::string RewriteAgentConfig(std::string_view text, const AgentConfig& wanted);

// IsEdited tells whether `after` is what EditAgentConfig makes of `before`, or the same. If not,
// something that its administrator wrote may be lost with `before`.
[[nodiscard]] bool IsEdited(std::string_view before, std::string_view after);

}  // namespace countersign::store
