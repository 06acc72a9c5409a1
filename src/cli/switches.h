#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"

namespace countersign::cli {

// What a value of a switch is. A secret is taken byte for byte, always; a path and a text as
// pasted.h says.
enum class ValueKind { kText, kPath, kSecret };

// SwitchSpec is one documented switch of CertificateManager or IpXfer: its name without dash, in
// lower case, and the values that follow it.
struct SwitchSpec {
  std::string_view name;
  std::vector<ValueKind> values = {};
  // The switch that this one is when it stands there a second time ("" : it may not). The mover's
  // older versions took the unload password as a second -p.
  std::string_view again = {};
};

// Words are the arguments of a program without its name. Any of them may be a password, also one in
// the wrong place, so all of them are in memory that is wiped.
using Words = std::vector<SecretBytes>;

// More arguments than this are not looked at.
inline constexpr int kMaxArguments = 64;

// TakeArguments copies main's arguments, and overwrites there, at once, everything but the names of
// switches, so that the process list does not show a password wherever it was typed. kUsage if
// there are too many.
[[nodiscard]] Result<Words> TakeArguments(int argc, char** argv,
                                          const std::vector<SwitchSpec>& specs);

// Switches is a parsed command line of the documented front ends: switches in any letter case, with
// the dash that begins one also as a typographic one (‐ ‑ – — − －), as pasted from articles.
class Switches {
 public:
  // Parse: kUsage names an unknown or doubled switch, or a value that is missing; no message
  // repeats what may be a password.
  [[nodiscard]] static Result<Switches> Parse(Words args, const std::vector<SwitchSpec>& specs);

  [[nodiscard]] bool Has(std::string_view name) const { return values_.contains(name); }
  // Value returns value `index` of a switch, or "". Not for secrets.
  [[nodiscard]] std::string Value(std::string_view name, std::size_t index = 0) const;
  // Secret returns value `index` of a switch, or nullptr. It lives as long as this object.
  [[nodiscard]] const SecretBytes* Secret(std::string_view name, std::size_t index = 0) const;
  // Replace puts another text in the place of a value. REQUIRES: there is such a value.
  void Replace(std::string_view name, std::size_t index, std::string_view text);
  [[nodiscard]] std::size_t size() const { return values_.size(); }

 private:
  std::map<std::string, Words, std::less<>> values_;
};

// SwitchName returns what follows the dash of a switch, in lower case; "" if it is none.
[[nodiscard]] std::string SwitchName(std::string_view arg);

// IsSwitch tells whether `arg` is the switch `name`, dash and all. Like FindSwitch it makes no copy
// of `arg`, which may be a password.
[[nodiscard]] bool IsSwitch(std::string_view arg, std::string_view name);

// FindSwitch returns the spec whose name `arg` has, dash and all; nullptr if it is none of them.
[[nodiscard]] const SwitchSpec* FindSwitch(std::string_view arg,
                                           const std::vector<SwitchSpec>& specs);

// SwitchWalk finds switches in the order in which they stand there, and so knows which one is meant
// by one that stands there again. `specs` must outlive it.
class SwitchWalk {
 public:
  explicit SwitchWalk(const std::vector<SwitchSpec>& specs) : specs_(specs) {}
  // Take is FindSwitch, and counts.
  const SwitchSpec* Take(std::string_view arg);

 private:
  const std::vector<SwitchSpec>& specs_;
  std::vector<const SwitchSpec*> seen_;
};

}  // namespace countersign::cli
