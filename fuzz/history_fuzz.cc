#include "fuzz/wire_fuzz.h"
#include "wire/history.h"

using namespace countersign;

// A line that parses is not signed by a stranger, and written again it parses to the same value.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = wire::ParseHistoryLine(fuzz::MessageOf(data, size));
  if (!parsed) {
    fuzz::CheckRefusal(parsed.error(), Code::kMalformed);
    return 0;
  }
  const wire::HistoryLine& line = parsed->line;
  Check(parsed->envelope.has_value() == line.x5t.has_value(), "signed, or not");
  Check(!parsed->envelope || !wire::IsSignedBy(*parsed->envelope, fuzz::StrangerKey()),
        "a forgery");
  const auto again = line.x5t ? wire::SignHistoryLine(line, fuzz::OurKey())
                              : wire::FormatUnsignedHistoryLine(line);
  if (!again) {  // Our form of it may be longer.
    fuzz::CheckRefusal(again.error(), Code::kUsage);
    return 0;
  }
  const auto same = wire::ParseHistoryLine(*again);
  Check(same.has_value(), "what is written parses");
  Check(same->line == line, "to the same value");
  Check(!same->envelope || wire::IsSignedBy(*same->envelope, fuzz::OurKey().public_key()),
        "and verifies");
  return 0;
}
