#include "crypto/pkcs12_legacy.h"

namespace countersign::crypto {

Result<LegacyCiphers> LoadLegacyCiphers() {
  LegacyCiphers ciphers;
  ciphers.context.reset(OSSL_LIB_CTX_new());
  if (!ciphers.context) return OpenSslFailure(Code::kInternal, "cannot make a library context");
  ciphers.standard.reset(OSSL_PROVIDER_load(ciphers.context.get(), "default"));
  ciphers.legacy.reset(OSSL_PROVIDER_load(ciphers.context.get(), "legacy"));
  if (ciphers.standard && ciphers.legacy) return ciphers;
  ForgetOpenSslErrors();
  return Fail(Code::kUnavailable, "OpenSSL's legacy provider is not installed here");
}

}  // namespace countersign::crypto
