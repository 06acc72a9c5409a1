#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "keys/tar.h"

// Whatever is in an archive, no name that comes out of it leads anywhere else, and all of it is
// within the limit.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace countersign;
  const auto entries = keys::ReadTarGz({data, size});
  if (!entries) return 0;
  std::size_t len = 0;
  for (const auto& entry : *entries) {
    Check(!entry.name.empty() && entry.name.front() != '/', "a relative name");
    Check(("/" + entry.name + "/").find("/../") == std::string::npos, "within the folder");
    Check(entry.kind != keys::TarEntry::Kind::kLink, "no link");
    len += entry.content.size();
  }
  Check(len <= keys::kMaxTarLen && entries->size() <= keys::kMaxTarEntries + 1, "within limits");
  return 0;
}
