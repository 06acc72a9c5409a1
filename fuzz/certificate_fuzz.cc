#include "base/encoding.h"
#include "crypto/certificate.h"

using namespace countersign;

// A certificate that is read has exactly the octets of the input, names that can be printed, a
// generation within its bounds and a key that is read back; asking for its signature does no harm.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  const auto certificate = crypto::Certificate::Parse(input);
  if (!certificate) {
    Check(certificate.error().code == Code::kMalformed, "a failure that is not the input's");
    return 0;
  }
  Check(std::ranges::equal(certificate->der(), input), "other octets");
  Check(IsPrintableUtf8(certificate->subject()) && IsPrintableUtf8(certificate->issuer()) &&
            IsPrintableUtf8(certificate->common_name()),
        "a name that cannot be printed");
  Check(certificate->is_ca() || !certificate->may_sign_certificates(), "an issuer that is no CA");
  Check(certificate->authority_key_id().has_value() <= certificate->has_authority_key_id(), "id");
  const std::uint64_t generation = certificate->generation().value_or(1);
  Check(generation >= 1 && generation < std::uint64_t{1} << 53, "generation");
  const auto key = crypto::PublicKey::FromSpki(certificate->key().spki());
  Check(key.has_value() && *key == certificate->key(), "a key that is not read back");
  (void)certificate->IsSignedBy(*key);
  return 0;
}
