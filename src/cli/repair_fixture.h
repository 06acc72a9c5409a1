#pragma once

// What the tests of the repair kit share.

#include <string_view>

namespace countersign::cli {

// The id of an agent.
inline constexpr std::string_view kId = "11111111-2222-8333-8444-555555555555";

}  // namespace countersign::cli
