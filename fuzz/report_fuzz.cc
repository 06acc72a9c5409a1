#include "base/ids.h"
#include "fuzz/wire_fuzz.h"
#include "wire/messages.h"

using namespace countersign;

// A report that parses speaks for the key in its header only, is not signed by a stranger, and
// under our own id and key it parses to the same value again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto parsed = wire::ParseReport(fuzz::MessageOf(data, size));
  if (!parsed) {
    fuzz::CheckRefusal(parsed.error(), Code::kMalformed);
    return 0;
  }
  wire::Report& report = parsed->report;
  Check(report.iss == Uuid::FromDigest(parsed->key.digest()), "an id of another key");
  Check(!wire::IsSignedBy(parsed->envelope, fuzz::StrangerKey()), "a forgery");
  report.iss = Uuid::FromDigest(fuzz::OurKey().public_key().digest());
  const auto again = wire::SignReport(report, fuzz::OurKey());
  if (!again) {  // Our form of it may be longer.
    fuzz::CheckRefusal(again.error(), Code::kUsage);
    return 0;
  }
  const auto same = wire::ParseReport(*again);
  Check(same.has_value(), "what is signed parses");
  Check(same->report == report, "to the same value");
  Check(wire::IsSignedBy(same->envelope, same->key), "and verifies");
  return 0;
}
