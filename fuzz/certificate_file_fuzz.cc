#include "base/encoding.h"
#include "cli/certificate_file.h"

using namespace countersign;

// A file that is read as a certificate gives the one whose DER is in it, and its PEM the same
// again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto certificate = cli::ParseAnyCertificate(ByteView(data, size));
  if (!certificate) {
    Check(certificate.error().code == Code::kMalformed, "a failure that is not the input's");
    return 0;
  }
  const std::string pem = "-----BEGIN CERTIFICATE-----\n" + Base64Encode(certificate->der()) +
                          "\n-----END CERTIFICATE-----\n";
  const auto again = cli::ParseAnyCertificate(AsBytes(pem));
  Check(again.has_value() && *again == *certificate, "the PEM is another certificate");
  return 0;
}
