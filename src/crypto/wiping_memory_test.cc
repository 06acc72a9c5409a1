#include "crypto/wiping_memory.h"

#include <gtest/gtest.h>
#include <openssl/crypto.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "crypto/keys.h"

namespace countersign::crypto {
namespace {

// A process of its own: nothing may have used OpenSSL before. What is freed is looked at while it
// is still there, in the function that frees it.
[[noreturn]] void UseAndLook() {
  WipeOpenSslMemory();
  // Freed memory is not to be read; that it was wiped shows in a block that the allocator gives out
  // again unchanged.
  constexpr std::size_t kLen = 2'000;
  constexpr std::size_t kKept = 64;  // the allocator's own notes stand in front
  // Made before: what is made in between might lie where the wiped memory was.
  const std::string content(kLen, 'x');
  const std::string zeroes(kLen - kKept, '\0');
  for (int i = 0; i < 2; ++i) {
    auto* const memory = static_cast<char*>(OPENSSL_malloc(kLen));
    content.copy(memory, kLen);
    if (i == 0) {
      OPENSSL_free(memory);
    } else {
      auto* const larger = static_cast<char*>(OPENSSL_realloc(memory, 8 * kLen));
      if (std::string_view(larger, kLen) != content) std::_Exit(3);
      OPENSSL_free(larger);
    }
    auto* const again = static_cast<char*>(std::malloc(kLen));
    const bool same = again == memory;
    const bool wiped = std::string_view(again + kKept, kLen - kKept) == zeroes;
    if (!same) std::_Exit(4);
    if (!wiped) std::_Exit(5);
    std::free(again);
  }
  const auto key = PrivateKey::Generate(KeyKind::kP256);
  std::_Exit(key && key->SignJws(AsBytes("text")) ? 0 : 6);
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define COUNTERSIGN_OTHER_ALLOCATOR 1
#endif
#endif
#if !defined(COUNTERSIGN_OTHER_ALLOCATOR)
#define COUNTERSIGN_OTHER_ALLOCATOR 0
#endif

TEST(WipingMemoryTest, WhatOpenSslGivesBackIsWiped) {
  if (COUNTERSIGN_OTHER_ALLOCATOR != 0)
    GTEST_SKIP() << "a sanitizer's allocator gives nothing out again";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(UseAndLook(), ::testing::ExitedWithCode(0), "");
}

TEST(WipingMemoryTest, TooLateIsABug) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        OPENSSL_free(OPENSSL_malloc(1));
        WipeOpenSslMemory();
      },
      "before its memory functions");
}

}  // namespace
}  // namespace countersign::crypto
