#include "base/encoding.h"
#include "fuzz/held_state.h"
#include "trust/rule_a.h"

using namespace countersign;

namespace {

const trust::TrustState& Held() {
  static const trust::TrustState held =
      trust::ParseTrustState(Base64Decode(fuzz::kHeldState).value_or(Bytes())).value();
  return held;
}

}  // namespace

// The input is certificates with their lengths before them. What rule A accepts goes back to the
// stored owner, is not older, and makes a trust state that can be written and read.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Reader reader({data, size});
  std::vector<Bytes> bundle;
  while (reader.ok() && reader.remaining() > 0 && bundle.size() < 64) {
    bundle.push_back(ToBytes(reader.ReadPrefixed(size)));
  }
  const auto accepted = trust::RuleA(Held(), bundle, {});
  if (!accepted) return 0;
  Check(bundle.size() >= 2 && bundle.size() <= 32, "count");
  Check(accepted->bundle.back().key().digest() == Held().owner, "another owner");
  Check(accepted->certificate().generation() >= Held().generation, "an older generation");
  Check(accepted->certificate().Names(Held().server), "another server");
  const trust::TrustState moved = trust::Moved(Held(), *accepted);
  Check(moved.owner == accepted->owner() || moved == Held(), "an owner from nowhere");
  const auto same = trust::ParseTrustState(trust::EncodeTrustState(moved));
  Check(same.has_value() && *same == moved, "a state that is not read back");
  return 0;
}
