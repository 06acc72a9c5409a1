#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"
#include "store/web_keys.h"

// A list that is read is the one that would be written.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace countersign;
  const std::string_view text = AsText(ByteView(data, size));
  const auto keys = store::ParseWebKeys(text);
  if (keys) Check(store::FormatWebKeys(*keys) == text, "one form");
  return 0;
}
