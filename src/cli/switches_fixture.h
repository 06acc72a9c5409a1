#pragma once

// What the tests of switches share.

#include <string>
#include <vector>

#include "cli/switches.h"

namespace countersign::cli {

using Texts = std::vector<std::string>;

inline const std::vector<SwitchSpec> kSpecs = {{"c", {ValueKind::kSecret}},
                                               {"e", {ValueKind::kPath}},
                                               {"ine", {ValueKind::kSecret, ValueKind::kPath}},
                                               {"json"},
                                               {"replace"}};

inline Words MakeWords(const Texts& texts) {
  Words words;
  for (const auto& text : texts) words.push_back(SecretBytes::OwnText(text));
  return words;
}

}  // namespace countersign::cli
