#include "crypto/hash.h"
#include "trust/trust_state.h"

using namespace countersign;

namespace {

void RoundTrip(ByteView file) {
  const auto state = trust::ParseTrustState(file);
  if (!state) {
    Check(state.error().code == Code::kDamaged, "a failure that is not damage");
    return;
  }
  const Bytes again = trust::EncodeTrustState(*state);
  Check(std::ranges::equal(again, file), "a second encoding of the same state");
}

}  // namespace

// What is read as a trust state is written to the same octets. The input is taken as it is, and
// with a right checksum, which no mutation would find.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes file(data, data + size);
  RoundTrip(file);
  const Digest checksum = crypto::Sha256(file);
  file.insert(file.end(), checksum.begin(), checksum.end());
  RoundTrip(file);
  return 0;
}
