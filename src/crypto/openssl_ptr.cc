#include "crypto/openssl_ptr.h"

#include <openssl/err.h>

#include <string>

namespace countersign::crypto {
namespace {

EvpMdPtr Fetch(const char* name) {
  EvpMdPtr digest(EVP_MD_fetch(nullptr, name, nullptr));
  Check(digest != nullptr, "OpenSSL has no digest of this name");
  return digest;
}

}  // namespace

std::unexpected<Error> OpenSslFailure(Code code, std::string_view what) {
  std::string message(what);
  std::string_view separator = ": ";
  while (const unsigned long error = ERR_get_error()) {
    const char* const reason = ERR_reason_error_string(error);
    if (reason == nullptr) continue;
    message.append(separator).append(reason);
    separator = ", ";
  }
  return Fail(code, std::move(message));
}

void ForgetOpenSslErrors() { ERR_clear_error(); }

const EVP_MD* MessageDigest(std::string_view name) {
  static const EvpMdPtr sha256 = Fetch("SHA256");
  static const EvpMdPtr sha384 = Fetch("SHA384");
  static const EvpMdPtr sha512 = Fetch("SHA512");
  static const EvpMdPtr sha1 = Fetch("SHA1");
  if (name == "SHA256") return sha256.get();
  if (name == "SHA384") return sha384.get();
  if (name == "SHA512") return sha512.get();
  Check(name == "SHA1", "no such digest");
  return sha1.get();
}

}  // namespace countersign::crypto
