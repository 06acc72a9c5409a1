#pragma once

#include <boost/json/object.hpp>
#include <filesystem>

#include "tests/vectors/world.h"

namespace countersign::vectors {

// Each makes the content of one file of vectors.
[[nodiscard]] boost::json::object MakeIdsAndGenerations(const World& world);
[[nodiscard]] boost::json::object MakeFirstTrust(const World& world);
[[nodiscard]] boost::json::object MakeRuleA(const World& world);
[[nodiscard]] boost::json::object MakeOrders(const World& world);
[[nodiscard]] boost::json::object MakeReplies(const World& world);
[[nodiscard]] boost::json::object MakeReceipts(const World& world);
[[nodiscard]] boost::json::object MakeReports(const World& world);
[[nodiscard]] boost::json::object MakeWarrants(const World& world);

}  // namespace countersign::vectors
