#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace countersign::cli {

// SwitchSpec is one documented switch of CertificateManager or IpXfer: its name without dash, in
// lower case, and how many values follow it.
struct SwitchSpec {
  std::string_view name;
  std::size_t num_values = 0;
};

// Switches is a parsed command line of the documented front ends: switches in any letter case, with
// the dash that begins one also as a typographic one (‐ ‑ – — − －), as pasted from articles.
// Values are taken byte for byte.
class Switches {
 public:
  // Parse: kUsage names an unknown or doubled switch, or a value that is missing. `args` is without
  // the program's name.
  [[nodiscard]] static Result<Switches> Parse(const std::vector<std::string>& args,
                                              const std::vector<SwitchSpec>& specs);
  [[nodiscard]] bool Has(std::string_view name) const { return values_.contains(name); }
  // Value returns value `index` of a switch, or "".
  [[nodiscard]] std::string Value(std::string_view name, std::size_t index = 0) const;
  [[nodiscard]] std::size_t size() const { return values_.size(); }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

// SwitchName returns what follows the dash of a switch, in lower case; "" if it is none.
[[nodiscard]] std::string SwitchName(std::string_view arg);

}  // namespace countersign::cli
