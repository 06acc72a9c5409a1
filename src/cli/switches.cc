#include "cli/switches.h"

#include <algorithm>
#include <array>

namespace countersign::cli {
namespace {

// U+2010, U+2011, U+2013, U+2014, U+2212, U+FF0D as published procedures have them.
constexpr std::array<std::string_view, 7> kDashes = {
    "-",           "\xe2\x80\x90", "\xe2\x80\x91", "\xe2\x80\x93", "\xe2\x80\x94", "\xe2\x88\x92",
    "\xef\xbc\x8d"};

}  // namespace

std::string SwitchName(std::string_view arg) {
  const auto dash =
      std::ranges::find_if(kDashes, [&](std::string_view d) { return arg.starts_with(d); });
  if (dash == kDashes.end()) return {};
  std::string name(arg.substr(dash->size()));
  if (name.starts_with('-')) name.erase(0, 1);  // --json
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return name;
}

Result<Switches> Switches::Parse(const std::vector<std::string>& args,
                                 const std::vector<SwitchSpec>& specs) {
  Switches switches;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string name = SwitchName(args[i]);
    const auto spec =
        std::ranges::find_if(specs, [&](const auto& s) { return !name.empty() && s.name == name; });
    if (spec == specs.end()) {
      // The argument itself is not repeated: it may be a password in the wrong place.
      return Fail(Code::kUsage,
                  name.empty() ? "argument " + std::to_string(i + 1) +
                                     " is not a switch, and no switch before it "
                                     "takes so many values"
                               : "there is no switch -" + name,
                  "--help shows the switches");
    }
    if (switches.Has(name)) return Fail(Code::kUsage, "-" + name + " is given twice");
    if (args.size() - i - 1 < spec->num_values) {
      return Fail(Code::kUsage,
                  "-" + name + " takes " + std::to_string(spec->num_values) + " values; " +
                      std::to_string(args.size() - i - 1) + " follow",
                  "--help shows the switches");
    }
    const auto first = args.begin() + static_cast<std::ptrdiff_t>(i) + 1;
    switches.values_[name] = {first, first + static_cast<std::ptrdiff_t>(spec->num_values)};
    i += spec->num_values;
  }
  return switches;
}

std::string Switches::Value(std::string_view name, std::size_t index) const {
  const auto at = values_.find(name);
  return at == values_.end() || index >= at->second.size() ? std::string() : at->second[index];
}

}  // namespace countersign::cli
