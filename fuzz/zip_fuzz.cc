#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "keys/zip.h"

// Whatever is in a ZIP, only what was asked for comes out, once each and within the limit.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace countersign;
  const auto entries = keys::ReadZip({data, size}, {"certificates.pfx", "OfficeScanAuth.dat"});
  if (!entries) return 0;
  Check(entries->size() <= 2, "no entry twice");
  for (const auto& entry : *entries) {
    Check(entry.name == "certificates.pfx" || entry.name == "OfficeScanAuth.dat", "asked for");
    Check(entry.content.size() <= keys::kMaxZipContentLen, "within the limit");
  }
  return 0;
}
