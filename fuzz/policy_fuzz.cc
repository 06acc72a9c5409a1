#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/encoding.h"
#include "base/error.h"
#include "store/policy.h"

// The text up to the first NUL is a policy, the rest an argument for all its patterns. Whatever is
// refused is refused in words that can be shown; whatever is taken keeps to its limits, and no
// pattern matches what is no text.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace countersign;
  const std::string_view input = AsText({data, size});
  const std::size_t end = std::min(input.find('\0'), input.size());
  const std::string_view argument = input.substr(std::min(end + 1, input.size()));
  const auto policy = store::ParsePolicy(input.substr(0, end));
  if (!policy) {
    Check(!policy.error().message.empty() && IsPrintableUtf8(policy.error().message),
          "a refusal can be printed");
    return 0;
  }
  Check(policy->Allows("ping") && policy->Allows("report"), "these are always allowed");
  Check(policy->at_once >= 1 && policy->at_once <= store::Policy::kMaxAtOnce, "at_once");
  Check(policy->programs.size() <= store::Policy::kMaxPrograms, "programs");
  for (const auto& [name, program] : policy->programs) {
    Check(program.path.is_absolute() && program.folder.is_absolute(), "absolute paths");
    Check(program.time_limit.count() >= 1 && program.time_limit <= store::Policy::kMaxTime, "time");
    Check(program.arguments.size() <= store::Policy::kMaxArguments, "arguments");
    for (const auto& patterns : program.arguments) {
      for (const auto& pattern : patterns) {
        const bool matches = pattern.Matches(argument);
        Check(!matches || IsPrintableUtf8(argument), "only text is matched");
      }
    }
  }
  return 0;
}
