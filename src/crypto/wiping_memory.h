#pragma once

namespace countersign::crypto {

// WipeOpenSslMemory makes OpenSSL overwrite all memory that it gives back. By itself it does so for
// keys only, not for what it makes of a password or decodes on the way to a key. Call it first of
// all in main, before anything that may use OpenSSL; aborts if it is too late.
void WipeOpenSslMemory();

}  // namespace countersign::crypto
