#include "crypto/certificate_summary.h"

#include "crypto/certificate.h"
#include "crypto/certificate_name.h"
#include "crypto/hash.h"
#include "crypto/openssl_ptr.h"

namespace countersign::crypto {
namespace {

std::string SignatureName(const X509* certificate) {
  const X509_ALGOR* algorithm = nullptr;
  X509_get0_signature(nullptr, &algorithm, certificate);
  const ASN1_OBJECT* object = nullptr;
  X509_ALGOR_get0(&object, nullptr, nullptr, algorithm);
  std::array<char, 80> name{};
  OBJ_obj2txt(name.data(), static_cast<int>(name.size()), object, 0);
  return name.data();
}

}  // namespace

std::optional<CertificateSummary> SummarizeCertificate(ByteView der) {
  if (der.size() > Certificate::kMaxLen) return std::nullopt;
  const auto x509 = DecodeDer<X509Ptr, &d2i_X509>(der);
  if (!x509) {
    ForgetOpenSslErrors();
    return std::nullopt;
  }
  CertificateSummary summary{
      .thumbprint = Sha256(der),
      .sha1 = Sha1(der),
      .key_digest = Sha256(EncodeDer<&i2d_X509_PUBKEY>(X509_get_X509_PUBKEY(x509.get()))),
      .subject = PrintableName(X509_get_subject_name(x509.get())),
      .serial = PrintableSerial(X509_get0_serialNumber(x509.get())),
      .key = PrintableKey(X509_get0_pubkey(x509.get())),
      .signature = SignatureName(x509.get())};
  ForgetOpenSslErrors();
  return summary;
}

}  // namespace countersign::crypto
