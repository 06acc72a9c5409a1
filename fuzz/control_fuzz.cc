#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"
#include "net/control_message.h"

// What the control socket's decoder takes is encoded to the same octets again.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace countersign;
  net::ControlDecoder decoder(net::ControlKind::kRequest);
  ByteView rest(data, size);
  while (!rest.empty() && !decoder.done()) {
    const auto want = decoder.Want();
    const std::size_t len = std::min(want.size(), rest.size());
    std::copy_n(rest.begin(), len, want.begin());
    rest = rest.subspan(len);
    if (!decoder.Commit(len)) return 0;
  }
  if (!decoder.done()) return 0;
  const net::ControlMessage message = decoder.Take();
  const auto encoder = net::ControlEncoder::Create(message, net::ControlKind::kRequest);
  Check(encoder.has_value(), "what was within the limits stays within them");
  std::size_t total = 0;
  for (const ByteView piece : encoder->pieces()) total += piece.size();
  Check(total == size - rest.size(), "the same length again");
  return 0;
}
