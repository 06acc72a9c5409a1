#pragma once

#include <boost/json/value.hpp>
#include <filesystem>
#include <string>

namespace countersign::vectors {

// Pretty prints JSON with one member or element in a line, so that a changed vector is a short
// diff.
[[nodiscard]] std::string Pretty(const boost::json::value& value);

// ReadJson parses a file; aborts if it is missing or not JSON: a test cannot go on without.
[[nodiscard]] boost::json::value ReadJson(const std::filesystem::path& path);

void WriteText(const std::filesystem::path& path, std::string_view text);

}  // namespace countersign::vectors
