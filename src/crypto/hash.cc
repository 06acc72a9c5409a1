#include "crypto/hash.h"

#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "crypto/openssl_ptr.h"

namespace countersign::crypto {
namespace {

template <std::size_t N>
std::array<std::uint8_t, N> Hash(std::string_view digest, ByteView data) {
  std::array<std::uint8_t, N> out;
  unsigned len = 0;
  Check(
      EVP_Digest(data.data(), data.size(), out.data(), &len, MessageDigest(digest), nullptr) == 1 &&
          len == N,
      "hashing failed");
  return out;
}

}  // namespace

Digest Sha256(ByteView data) { return Hash<32>("SHA256", data); }

Digest Sha256(std::initializer_list<ByteView> parts) {
  const EvpMdCtxPtr context(EVP_MD_CTX_new());
  Check(context && EVP_DigestInit_ex2(context.get(), MessageDigest("SHA256"), nullptr) == 1,
        "hashing could not begin");
  for (const ByteView part : parts) {
    Check(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1, "hashing failed");
  }
  Digest out;
  Check(EVP_DigestFinal_ex(context.get(), out.data(), nullptr) == 1, "hashing failed");
  return out;
}

std::array<std::uint8_t, 20> Sha1(ByteView data) { return Hash<20>("SHA1", data); }

Digest HmacSha256(ByteView key, ByteView message) {
  // A null key means "the key of last time" to OpenSSL, which is not what an empty one means.
  static constexpr std::uint8_t kEmpty = 0;
  Digest out;
  unsigned len = 0;
  const unsigned char* const result =
      HMAC(EVP_sha256(), key.empty() ? &kEmpty : key.data(), static_cast<int>(key.size()),
           message.data(), message.size(), out.data(), &len);
  Check(result != nullptr && len == out.size(), "HMAC failed");
  return out;
}

bool EqualConstantTime(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  return a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void SystemRandom::Fill(std::span<std::uint8_t> out) {
  if (out.empty()) return;
  Check(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1, "the system has no randomness");
}

}  // namespace countersign::crypto
