#include "cli/exit_codes.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <string>

namespace countersign::cli {
namespace {

// The rows of docs/exit-codes.md that have a name: name → code.
std::map<std::string, int> Documented() {
  std::ifstream file(std::string(COUNTERSIGN_SOURCE_DIR) + "/docs/exit-codes.md");
  std::map<std::string, int> codes;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("| ") || !line.contains("| `")) continue;
    const auto begin = line.find('`') + 1;
    const std::string name = line.substr(begin, line.find('`', begin) - begin);
    if (line[2] >= '0' && line[2] <= '9') codes[name] = std::stoi(line.substr(2));
  }
  return codes;
}

TEST(ExitCodesTest, EveryCodeIsWhatTheTableSays) {
  const auto documented = Documented();
  for (int i = 0; i <= static_cast<int>(Code::kInternal); ++i) {
    const auto code = static_cast<Code>(i);
    const auto row = documented.find(std::string(CodeName(code)));
    ASSERT_NE(row, documented.end()) << CodeName(code);
    EXPECT_EQ(row->second, static_cast<int>(ExitFor(code))) << CodeName(code);
  }
}

TEST(ExitCodesTest, OutcomesOfSingleCommandsAreInTheTable) {
  std::ifstream file(std::string(COUNTERSIGN_SOURCE_DIR) + "/docs/exit-codes.md");
  const std::string table{std::istreambuf_iterator<char>(file), {}};
  for (const Exit exit : {Exit::kOrderNotDone, Exit::kOrderNotEnded, Exit::kSomeListed,
                          Exit::kBackupLacks, Exit::kGate, Exit::kNotVerified, Exit::kOtherKey,
                          Exit::kMismatch, Exit::kOtherFault, Exit::kStalePackage}) {
    const std::string row = "\n| " + std::to_string(static_cast<int>(exit)) + " | |";
    EXPECT_TRUE(table.contains(row)) << row;
  }
}

TEST(ExitCodesTest, NoTwoFailuresShareACode) {
  std::map<int, std::string_view> seen;
  for (int i = 0; i <= static_cast<int>(Code::kInternal); ++i) {
    const auto code = static_cast<Code>(i);
    EXPECT_TRUE(seen.emplace(static_cast<int>(ExitFor(code)), CodeName(code)).second);
  }
}

}  // namespace
}  // namespace countersign::cli
