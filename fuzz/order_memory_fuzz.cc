#include "crypto/hash.h"
#include "trust/order_memory.h"

using namespace countersign;

namespace {

// What is read is written to a file that is read to the same memory, and takes orders.
void RoundTrip(ByteView file) {
  auto memory = trust::OrderMemory::Parse(file);
  if (!memory) return;
  const Bytes whole = memory->Encode();
  const auto same = trust::OrderMemory::Parse(whole);
  Check(same.has_value() && !same->NeedsCompaction(), "a whole file");
  Check(same->size() == memory->size() && same->Encode() == whole, "the same memory");
  const Jti jti;
  if (memory->Seen(jti)) return;
  Check(memory->Start(jti, Digest{}, FromUnix(0)).has_value(), "room");
  (void)memory->Finish(jti, trust::Verdict::kDone, "{}", FromUnix(1));
  memory->TrustMoved(Digest{1});
  const auto seen = memory->Seen(jti);
  Check(seen && seen->verdict == trust::Verdict::kDoneBefore, "an order that was done");
}

}  // namespace

// The input is taken as it is, and with the checksum of each record made right.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  RoundTrip({data, size});
  Reader reader({data, size});
  Writer mended;
  while (reader.remaining() > 0) {
    const ByteView body = reader.ReadPrefixed(size);
    (void)reader.ReadU64();
    if (!reader.ok()) break;
    mended.Prefixed(body).Raw(ByteView(crypto::Sha256(body)).first(8));
  }
  RoundTrip(mended.bytes());
  return 0;
}
