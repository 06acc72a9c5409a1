#include "fuzz/wire_fuzz.h"
#include "wire/move_target.h"

using namespace countersign;

// What parses has one form, which parses to the same value; an address that parses is one.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = AsText({data, size});
  if (const auto announcement = wire::ParseMoveAnnouncement(text)) {
    const auto again = wire::ParseMoveAnnouncement(wire::FormatMoveAnnouncement(*announcement));
    Check(again.has_value() && *again == *announcement, "an announcement comes back");
    for (const auto& address : announcement->target.addresses) {
      Check(wire::ParseMoveAddress(address).has_value(), "its addresses are some");
    }
  } else {
    fuzz::CheckRefusal(announcement.error(), Code::kMalformed);
  }
  if (const auto args = wire::ParseMoveArgs(text)) {
    const auto again = wire::ParseMoveArgs(wire::FormatMoveArgs(*args));
    Check(again.has_value() && *again == *args, "arguments come back");
  }
  if (const auto address = wire::ParseMoveAddress(text)) {
    const auto again = wire::ParseMoveAddress(wire::FormatMoveAddress(*address));
    Check(again.has_value() && *again == *address, "an address comes back");
  }
  return 0;
}
