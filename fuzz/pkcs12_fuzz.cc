#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "crypto/certificate.h"
#include "crypto/pkcs12.h"

// A file of anybody's, opened with a known password: bounded, and what comes out can be looked at.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace countersign;
  const auto password = SecretBytes::OwnText("fuzz");
  const auto contents = crypto::ReadPkcs12({data, size}, password);
  if (!contents) {
    Check(!contents.error().message.empty(), "a refusal says why");
    return 0;
  }
  Check(contents->keys.size() + contents->certificates.size() + contents->secrets.size() <=
            crypto::kPkcs12MaxBags,
        "no more bags than allowed");
  for (const auto& certificate : contents->certificates) {
    (void)crypto::Certificate::Parse(certificate.der);
  }
  return 0;
}
