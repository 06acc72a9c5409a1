#include "crypto/argon2.h"
#include "crypto/hash.h"
#include "store/unload_file.h"

using namespace countersign;

namespace {

void RoundTrip(ByteView file) {
  const auto state = store::ParseUnloadState(file);
  if (!state) {
    Check(state.error().code == Code::kDamaged, "a failure that is not damage");
    return;
  }
  Check(std::ranges::equal(store::EncodeUnloadState(*state), file), "a second encoding");
}

}  // namespace

// What is read as the state of an unload password is written to the same octets; with a right
// checksum too, which no mutation would find. And the form of a verifier, which a server sends.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes file(data, data + size);
  RoundTrip(file);
  const Digest checksum = crypto::Sha256(file);
  file.insert(file.end(), checksum.begin(), checksum.end());
  RoundTrip(file);
  const auto form = crypto::CheckVerifierForm(AsText({data, size}));
  Check(form || form.error().code == Code::kMalformed, "a refusal of another kind");
  return 0;
}
