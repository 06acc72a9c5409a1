#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/tls.h"
#include "crypto/tls_certificate.h"

// Octets that no peer with a key made end no handshake, and what is answered stays small.

namespace countersign::crypto {
namespace {

TlsContext ServerContext() {
  const auto key = PrivateKey::Generate(KeyKind::kP256).value();
  TlsCertificateRequest request;
  request.common_name = "fuzz";
  const std::vector<Bytes> chain = {MakeTlsCertificate(request, key).value().der()};
  return TlsContext::ForServer(key, chain).value();
}

void Play(TlsSession& session, ByteView input, std::size_t piece) {
  std::size_t sent = 0;
  TlsStep step = session.Handshake();
  sent += session.TakeOutput().size();
  while (step == TlsStep::kNeedInput && !input.empty()) {
    const ByteView next = input.first(std::min(piece, input.size()));
    input = input.subspan(next.size());
    session.Feed(next);
    step = session.Handshake();
    sent += session.TakeOutput().size();
  }
  Check(step != TlsStep::kDone, "no handshake without the peer's part of it");
  Check(sent < 16 * 1024, "a bounded answer");
  std::array<std::uint8_t, 16> out{};
  Check(session.Read(out).step == TlsStep::kFailed, "nothing is read before the handshake");
}

}  // namespace
}  // namespace countersign::crypto

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace countersign;
  static const crypto::TlsContext server = crypto::ServerContext();
  static const crypto::TlsContext client = crypto::TlsContext::ForClient().value();
  for (const auto* const context : {&server, &client}) {
    crypto::Play(*context->Begin().value(), ByteView(data, size), 4'096);
    crypto::Play(*context->Begin().value(), ByteView(data, size), 1);
  }
  return 0;
}
