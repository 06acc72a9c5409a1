#pragma once

#include <span>
#include <string_view>

namespace countersign::cli {

// RepairFile is a file of packaging/repair-kit/, in this program since it was built. `name` is its
// path in the kit; README.txt has @WORDS@ that are filled in.
struct RepairFile {
  std::string_view name;
  std::string_view content;
};
[[nodiscard]] std::span<const RepairFile> RepairFiles();

}  // namespace countersign::cli
