#include "fuzz/wire_fuzz.h"
#include "wire/messages.h"

using namespace countersign;

// A order that parses is not signed by a stranger, and signed again it parses to the same value.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string message = fuzz::MessageOf(data, size);
  const auto parsed = wire::ParseOrder(message);
  if (!parsed) {
    fuzz::CheckRefusal(parsed.error(), Code::kMalformed);
    return 0;
  }
  Check(!wire::IsSignedBy(parsed->envelope, fuzz::StrangerKey()), "a forgery");
  Check(parsed->envelope.oh == wire::HashOfOrder(message), "oh");
  const auto again = wire::SignOrder(parsed->order, fuzz::OurKey());
  if (!again) {  // Its challenge may be none, or our form of it longer.
    fuzz::CheckRefusal(again.error(), Code::kUsage);
    return 0;
  }
  const auto same = wire::ParseOrder(*again);
  Check(same.has_value(), "what is signed parses");
  Check(same->order == parsed->order, "to the same value");
  Check(wire::IsSignedBy(same->envelope, fuzz::OurKey().public_key()), "and verifies");
  return 0;
}
