#include "keys/file_kind.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

namespace countersign::keys {
namespace {

constexpr std::uint8_t kInteger = 0x02;
constexpr std::uint8_t kOctetString = 0x04;
constexpr std::uint8_t kOid = 0x06;
constexpr std::uint8_t kSequence = 0x30;
constexpr std::uint8_t kVersion = 0xa0;  // TBSCertificate: [0] EXPLICIT version

// 1.2.840.113549.1.7.2
constexpr std::array<std::uint8_t, 9> kSignedData = {0x2a, 0x86, 0x48, 0x86, 0xf7,
                                                     0x0d, 0x01, 0x07, 0x02};

constexpr std::size_t kMaxTextBeforePem = 64UL * 1024;

// BerFront reads the first elements of BER, as programs write it (X.690 8.1): lengths may be
// indefinite, and the end may be missing.
class BerFront {
 public:
  explicit BerFront(ByteView input) : rest_(input) {}

  // Enter goes into the next element, which must have `tag`: what of its content is there.
  [[nodiscard]] std::optional<ByteView> Enter(std::uint8_t tag) {
    if (!NextIs(tag) || rest_.size() < 2) return std::nullopt;
    const std::uint8_t first = rest_[1];
    const std::size_t num_octets = first < 0x80 ? 0 : first & 0x7fU;
    if (num_octets > 4 || rest_.size() < 2 + num_octets) return std::nullopt;
    std::size_t len = first;
    if (first >= 0x80) len = 0;
    for (std::size_t i = 0; i < num_octets; ++i) len = len << 8U | rest_[2 + i];
    const ByteView content = rest_.subspan(2 + num_octets);
    const bool whole = first != 0x80 && len <= content.size();
    rest_ = whole ? content.subspan(len) : ByteView();
    return whole ? content.first(len) : content;
  }
  [[nodiscard]] bool NextIs(std::uint8_t tag) const { return !rest_.empty() && rest_[0] == tag; }

 private:
  ByteView rest_;
};

bool StartsWith(ByteView file, std::string_view magic) { return AsText(file).starts_with(magic); }

// A SEQUENCE that begins with a version: PFX has 3 (RFC 7292 4), private keys 0 or 1 (RFC 5958 2,
// RFC 8017 A.1.2, RFC 5915 3).
FileKind RecogniseVersioned(ByteView version, const BerFront& rest) {
  if (version.size() != 1) return FileKind::kUnknown;
  if (version[0] == 3 && rest.NextIs(kSequence)) return FileKind::kPkcs12;
  const bool key = rest.NextIs(kSequence) || rest.NextIs(kInteger) || rest.NextIs(kOctetString);
  return version[0] <= 1 && key ? FileKind::kDerPrivateKey : FileKind::kUnknown;
}

FileKind RecogniseBer(ByteView file) {
  const auto outer = BerFront(file).Enter(kSequence);
  if (!outer) return FileKind::kUnknown;
  BerFront elements(*outer);
  if (elements.NextIs(kInteger)) {
    const auto version = elements.Enter(kInteger);
    return version ? RecogniseVersioned(*version, elements) : FileKind::kUnknown;
  }
  if (elements.NextIs(kOid)) {
    const auto type = elements.Enter(kOid);
    const bool certificates = type && std::ranges::equal(*type, kSignedData);
    return certificates ? FileKind::kPkcs7 : FileKind::kUnknown;
  }
  const auto first = elements.Enter(kSequence);
  if (!first) return FileKind::kUnknown;
  const BerFront inner(*first);
  if (inner.NextIs(kVersion)) return FileKind::kDerCertificate;
  // EncryptedPrivateKeyInfo (RFC 5958 3).
  const bool encrypted = inner.NextIs(kOid) && elements.NextIs(kOctetString);
  return encrypted ? FileKind::kDerPrivateKey : FileKind::kUnknown;
}

constexpr char kFromJava[] =
    "keytool -importkeystore -srckeystore FILE -destkeystore NEW.p12 -deststoretype PKCS12";

}  // namespace

FileKind RecogniseFile(ByteView file) {
  if (file.empty()) return FileKind::kEmpty;
  if (StartsWith(file, "PK\x03\x04") || StartsWith(file, "PK\x05\x06")) return FileKind::kZip;
  if (StartsWith(file, "\xfe\xed\xfe\xed")) return FileKind::kJks;
  if (StartsWith(file, "\xce\xce\xce\xce")) return FileKind::kJceks;
  if (const FileKind kind = RecogniseBer(file); kind != FileKind::kUnknown) return kind;
  const ByteView front = file.first(std::min(file.size(), kMaxTextBeforePem));
  const bool pem = AsText(front).find("-----BEGIN ") != std::string_view::npos;
  return pem ? FileKind::kPem : FileKind::kUnknown;
}

std::string_view FileKindName(FileKind kind) {
  switch (kind) {
    case FileKind::kEmpty:
      return "empty";
    case FileKind::kPkcs12:
      return "pkcs12";
    case FileKind::kZip:
      return "zip";
    case FileKind::kPem:
      return "pem";
    case FileKind::kJks:
      return "jks";
    case FileKind::kJceks:
      return "jceks";
    case FileKind::kDerCertificate:
      return "der-certificate";
    case FileKind::kDerPrivateKey:
      return "der-private-key";
    case FileKind::kPkcs7:
      return "pkcs7";
    case FileKind::kUnknown:
      break;
  }
  return "unknown";
}

Error WrongKind(FileKind kind) {
  const auto say = [](std::string_view found, std::string next = {}) {
    return Error{Code::kMalformed, "a PKCS#12 file is expected, and this is " + std::string(found),
                 std::move(next)};
  };
  switch (kind) {
    case FileKind::kEmpty:
      return say("an empty file (0 octets): copy it again from where it came");
    case FileKind::kZip:
      return say(
          "a ZIP archive that CertificateManager -b did not make: unpack it, and give the "
          ".pfx or .p12 file that is in it");
    case FileKind::kPem:
      return say("PEM text; put the key and the certificate into one PKCS#12 file",
                 "openssl pkcs12 -export -inkey KEY.pem -in CERTIFICATE.pem -out NEW.p12");
    case FileKind::kJks:
      return say("a Java key store (JKS); convert it", kFromJava);
    case FileKind::kJceks:
      return say("a Java key store (JCEKS); convert it",
                 std::string(kFromJava) + " -srcstoretype JCEKS");
    case FileKind::kDerCertificate:
      return say("a certificate alone, without its private key; put both into one file",
                 "openssl pkcs12 -export -inkey KEY.pem -in FILE -out NEW.p12");
    case FileKind::kDerPrivateKey:
      return say("a private key alone, without its certificate; put both into one file",
                 "openssl pkcs12 -export -inkey <(openssl pkey -inform DER -in FILE) "
                 "-in CERTIFICATE.pem -out NEW.p12");
    case FileKind::kPkcs7:
      return say(
          "a list of certificates (PKCS #7, .p7b), which holds no private key: export again, "
          "with the private key");
    case FileKind::kPkcs12:
    case FileKind::kUnknown:
      break;
  }
  return say(
      "no file of a kind that is known here: copy it again, or export it again as PKCS#12 "
      "(.pfx, .p12)");
}

}  // namespace countersign::keys
