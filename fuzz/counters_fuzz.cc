#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "crypto/hash.h"
#include "store/agent_counters.h"
#include "tests/support/memory_storage.h"

// Whatever counters are read can be used and are written back so that they are read again.

namespace countersign {
namespace {

void Use(Bytes file) {
  testing::MemoryAgentStorage storage;
  storage.content.counters = std::move(file);
  auto counters = store::AgentCounters::Load(storage);
  if (!counters) return;
  const auto seq = counters->NextSeq();
  if (!seq) return;
  counters->CountFailure(trust::Verdict::kStale, "192.0.2.1", FromUnix(1));
  Check(counters->FailuresToReport().size() <= wire::kMaxFailures, "a report takes them");
  Check(counters->Save().has_value(), "they are written");
  auto again = store::AgentCounters::Load(storage);
  Check(again.has_value(), "and read again");
  const auto later = again->NextSeq();
  Check(!later || *later > *seq, "seq only grows");
}

}  // namespace
}  // namespace countersign

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace countersign;
  Bytes file(data, data + size);
  Use(file);
  const Digest checksum = crypto::Sha256(file);
  file.insert(file.end(), checksum.begin(), checksum.end());
  Use(std::move(file));
  return 0;
}
