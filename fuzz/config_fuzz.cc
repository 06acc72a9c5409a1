#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/encoding.h"
#include "base/error.h"
#include "store/config.h"

// Whatever is read is written so that it is read back to the same value; whatever is refused is
// refused in words that can be shown.

namespace countersign {
namespace {

template <class T>
void RoundTrip(std::string_view text, Result<T> (*parse)(std::string_view),
               std::string (*format)(const T&)) {
  const Result<T> config = parse(text);
  if (!config) {
    Check(!config.error().message.empty() && IsPrintableUtf8(config.error().message),
          "a refusal can be printed");
    return;
  }
  const Result<T> again = parse(format(*config));
  Check(again.has_value() && *again == *config, "what is written is read back");
}

}  // namespace
}  // namespace countersign

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace countersign::store;
  const std::string_view text = countersign::AsText({data, size});
  countersign::RoundTrip(text, ParseServerConfig, FormatServerConfig);
  countersign::RoundTrip(text, ParseAgentConfig, FormatAgentConfig);
  countersign::RoundTrip(text, ParsePackageConfig, FormatPackageConfig);
  return 0;
}
