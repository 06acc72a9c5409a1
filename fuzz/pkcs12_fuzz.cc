#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "crypto/openssl_ptr.h"
#include "keys/file_kind.h"
#include "keys/foreign_identity.h"

// A file of anybody's, opened with a known password: bounded, and what comes out can be looked at.
// Then again with a MAC that fits, which mutations never find, so that they reach what is inside.

namespace {

using namespace countersign;

const SecretBytes& Password() {
  static const SecretBytes password = SecretBytes::OwnText("fuzz");
  return password;
}

void Import(ByteView file) {
  const auto kind = keys::RecogniseFile(file);
  Check(!keys::FileKindName(kind).empty(), "each kind has a name");
  const auto contents = keys::OpenBackup(file, Password());
  if (!contents) {
    Check(!contents.error().message.empty(), "a refusal says why");
    return;
  }
  Check(contents->server_keys.size() + contents->certificates.size() <= crypto::kPkcs12MaxBags,
        "no more bags than allowed");
  for (const char* wanted : {"", "00000000"}) {
    const auto chosen = keys::ChooseIdentity(*contents, wanted);
    Check(!chosen || chosen->certificate.IsSignedBy(chosen->key.public_key()), "self-signed");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Import({data, size});
  const auto file = crypto::DecodeDer<crypto::Pkcs12Ptr, &d2i_PKCS12>({data, size});
  const bool sealed = file && PKCS12_mac_present(file.get()) == 1 &&
                      PKCS12_set_mac(file.get(), "fuzz", 4, nullptr, 8, 1, EVP_sha256()) == 1;
  crypto::ForgetOpenSslErrors();
  if (sealed) Import(crypto::EncodeDer<&i2d_PKCS12>(file.get()));
  return 0;
}
