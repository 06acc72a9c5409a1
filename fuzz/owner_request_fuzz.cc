#include "fuzz/wire_fuzz.h"
#include "wire/owner_request.h"

using namespace countersign;

// A request or an answer that parses has one form, which parses to the same value.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = AsText({data, size});
  if (const auto request = wire::ParseOwnerRequest(text)) {
    const auto again = wire::ParseOwnerRequest(wire::FormatOwnerRequest(*request));
    Check(again.has_value() && *again == *request, "a request comes back");
  } else {
    fuzz::CheckRefusal(request.error(), Code::kMalformed);
  }
  if (const auto answer = wire::ParseOwnerAnswer(text)) {
    const auto again = wire::ParseOwnerAnswer(wire::FormatOwnerAnswer(*answer));
    Check(again.has_value() && *again == *answer, "an answer comes back");
  }
  return 0;
}
