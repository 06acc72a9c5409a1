#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"
#include "net/http_parser.h"

// A request means the same however the network cuts it into pieces; a response never breaks the
// reader.

namespace countersign::net {
namespace {

HttpProgress Read(HttpRequestReader& reader, ByteView octets, std::size_t piece) {
  HttpProgress progress = HttpProgress::kNeedMore;
  while (progress == HttpProgress::kNeedMore && !octets.empty()) {
    const ByteView next = octets.first(std::min(piece, octets.size()));
    octets = octets.subspan(next.size());
    progress = reader.Feed(next);
    if (progress == HttpProgress::kHead) progress = reader.Feed({});
  }
  return progress;
}

}  // namespace
}  // namespace countersign::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace countersign::net;
  const countersign::ByteView input(data, size);
  HttpRequestReader whole(HttpLimits{});
  HttpRequestReader pieces(HttpLimits{});
  const HttpProgress at_once = Read(whole, input, size);
  const HttpProgress octet_wise = Read(pieces, input, 1);
  if (at_once == HttpProgress::kComplete) {
    countersign::Check(octet_wise == HttpProgress::kComplete, "complete in pieces too");
    countersign::Check(whole.Take().body == pieces.Take().body, "the same body in pieces");
  }
  HttpResponseReader response(HttpLimits{}, "GET");
  if (response.Feed(input) == HttpProgress::kNeedMore) (void)response.FeedEnd();
  return 0;
}
