#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/secret.h"
#include "crypto/keys.h"

namespace countersign::crypto {

// Pkcs12Contents is what a PKCS#12 file (RFC 7292) holds, bag by bag.
struct Pkcs12Contents {
  struct Key {
    PrivateKey key;
    std::string friendly_name;  // or empty
  };
  struct Cert {
    Bytes der;
    std::string friendly_name;
  };
  struct Secret {  // secret bag, type `data`
    std::string friendly_name;
    Bytes data;
  };
  // RejectedKey is one in the file that protocol section 2 does not allow.
  struct RejectedKey {
    std::string kind;  // "DSA 2048"
    Digest digest{};   // as PublicKey has it
    std::string friendly_name;
    std::string reason;
  };
  std::vector<Key> keys;
  std::vector<Cert> certificates;
  std::vector<Secret> secrets;
  std::vector<RejectedKey> rejected_keys;
};

// Limits on reading (protocol section 2).
inline constexpr std::size_t kPkcs12MaxLen = 1024 * 1024;
inline constexpr std::uint64_t kPkcs12MaxIterations = 10'000'000;  // summed over the file
inline constexpr std::size_t kPkcs12MaxBags = 256;
// What Countersign writes.
inline constexpr int kPkcs12Iterations = 600'000;
// Of the shroud of each key inside the encrypted safe. The safe is what protects it.
inline constexpr int kPkcs12KeyIterations = 2'048;

// ReadPkcs12 opens a file, whichever of the common programs wrote it (docs/pkcs12.md).
// kWrongPassword: the MAC does not fit the password, in any of the forms that programs give it;
// kMalformed: no PKCS#12 file, cut off, damaged, or over a limit (checked before any key is
// derived). Certificates come back as octets, unchecked: the caller parses them with
// Certificate::Parse. Friendly names are the file's, and may hold anything.
[[nodiscard]] Result<Pkcs12Contents> ReadPkcs12(ByteView file, const SecretBytes& password);

// WritePkcs12 writes: keys, certificates and secrets in one encrypted safe, PBES2 with
// PBKDF2-HMAC-SHA-256 and AES-256-CBC; MAC HMAC-SHA-256; 16-byte salts. In it each key is shrouded
// once more, likewise, with at most kPkcs12KeyIterations: for Java, which reads no other. It gets a
// local key id = SHA-1 of its SubjectPublicKeyInfo, shared with the certificate of that key, so
// that other tools pair them. `iterations`: kPkcs12Iterations but in tests.
[[nodiscard]] Result<Bytes> WritePkcs12(const Pkcs12Contents& contents, const SecretBytes& password,
                                        int iterations);

}  // namespace countersign::crypto
