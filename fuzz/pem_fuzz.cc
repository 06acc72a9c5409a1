#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"
#include "base/secret.h"
#include "crypto/pem.h"

// What is read of PEM text is written and read back the same.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace countersign;
  const ByteView input(data, size);
  const auto chain = crypto::ParsePemCertificates(AsText(input));
  if (chain) Check(chain->size() <= crypto::kMaxPemCertificates, "a bounded chain");
  const auto key = crypto::ParsePemKey(SecretBytes(input));
  if (!key) return 0;
  const auto text = crypto::FormatPem(*key, {}, KeyExportToken());
  Check(text.has_value(), "a key that was read can be written");
  const auto again = crypto::ParsePemKey(*text);
  Check(again && again->public_key() == key->public_key(), "the same key");
  return 0;
}
