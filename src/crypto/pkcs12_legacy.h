#pragma once

// Private to crypto/.

#include "base/error.h"
#include "crypto/openssl_ptr.h"

namespace countersign::crypto {

// LegacyCiphers is a library context of its own in which OpenSSL knows RC2: made for one file that
// asks for it, so that nothing else in the process can ever use such ciphers.
struct LegacyCiphers {
  LibraryContextPtr context;
  ProviderPtr standard;  // unloaded before the context goes
  ProviderPtr legacy;
};

// LoadLegacyCiphers fails with kUnavailable if OpenSSL's legacy provider is not installed.
[[nodiscard]] Result<LegacyCiphers> LoadLegacyCiphers();

}  // namespace countersign::crypto
