#include "crypto/hash.h"
#include "store/move_journal.h"

using namespace countersign;

namespace {

void RoundTrip(ByteView file) {
  const auto journal = store::ParseMoveJournal(file);
  if (!journal) {
    Check(journal.error().code == Code::kDamaged, "a failure that is not damage");
    return;
  }
  const Bytes again = store::EncodeMoveJournal(*journal);
  Check(std::ranges::equal(again, file), "a second encoding of the same plan");
  for (const bool happened : {false, true}) {
    const auto settled = store::Settled(*journal, happened, ServerId());
    Check(!settled.planned && settled.former.size() <= store::kMaxFormerServers,
          "a plan that is ended leaves no plan, and not too many who are to be told");
    const auto read = store::ParseMoveJournal(store::EncodeMoveJournal(settled));
    Check(read && *read == settled, "what is left can be read");
  }
}

}  // namespace

// What is read as a plan is written to the same octets, and can be ended. The input is taken as it
// is, and with a right checksum, which no mutation would find.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes file(data, data + size);
  RoundTrip(file);
  const Digest checksum = crypto::Sha256(file);
  file.insert(file.end(), checksum.begin(), checksum.end());
  RoundTrip(file);
  return 0;
}
