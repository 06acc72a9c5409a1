#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

namespace countersign::keys {

// FileKind is what a file that should hold a key and a certificate looks like. By content only:
// names and endings say nothing (.dat, .pfx, .p12, none).
enum class FileKind {
  kUnknown,
  kEmpty,           // 0 octets
  kPkcs12,          // also a truncated one
  kZip,             // any, not only one of CertificateManager -b
  kPem,             // keys or certificates as text
  kJks,             // Java's key store of old
  kJceks,           // and its sibling
  kDerCertificate,  // one X.509 certificate
  kDerPrivateKey,   // PKCS #8 (encrypted too), PKCS #1 or SEC 1
  kPkcs7,           // .p7b: certificates without a key
};

// RecogniseFile looks at the first octets (64 KiB for PEM) and needs no password. It promises
// nothing: a file of the kind may still be damaged.
[[nodiscard]] FileKind RecogniseFile(ByteView file);

// FileKindName returns the stable lower-case name used in JSON output ("der-certificate").
[[nodiscard]] std::string_view FileKindName(FileKind kind);

// WrongKind (kMalformed) says that a PKCS#12 file was expected, that one of `kind` was found, and
// how to make the one from the other. REQUIRES: kind is not kPkcs12.
[[nodiscard]] Error WrongKind(FileKind kind);

}  // namespace countersign::keys
