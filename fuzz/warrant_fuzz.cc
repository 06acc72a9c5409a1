#include "fuzz/wire_fuzz.h"
#include "wire/warrant.h"

using namespace countersign;

// A warrant that parses, signed anew by the owner's key that it would need, parses to the same; and
// nothing that was not signed is one of anybody's.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string message = fuzz::MessageOf(data, size);
  const auto parsed = wire::ParseWarrant(message);
  if (!parsed) {
    fuzz::CheckRefusal(parsed.error(), Code::kMalformed);
    return 0;
  }
  Check(message.size() <= wire::kMaxWarrantLen, "a warrant beyond the limit");
  const wire::Warrant& warrant = parsed->warrant;
  Check(warrant.exp > warrant.iat, "a warrant that ends before it begins");
  Check(warrant.act != wire::WarrantAct::kUnlock || warrant.agents.size() == 1,
        "an unlock for many");
  Check(warrant.target.has_value() == (warrant.act == wire::WarrantAct::kMove), "a target");
  Check(!wire::IsSignedBy(parsed->envelope, fuzz::StrangerKey()), "a signature by nobody");
  // Another certificate than that of the signing key is never signed.
  Check(!wire::SignWarrant(warrant, fuzz::OurKey()).has_value(), "a warrant of another's key");
  return 0;
}
