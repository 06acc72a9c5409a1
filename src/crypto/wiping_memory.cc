#include "crypto/wiping_memory.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <string.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.h"

namespace countersign::crypto {
namespace {

// The signatures are OpenSSL's. It asks for memory and gives it back here only.
// NOLINTBEGIN(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory)

void* Allocate(std::size_t len, const char*, int) { return len == 0 ? nullptr : std::malloc(len); }

// All that the allocator gave, which may be more than was asked for.
void WipeAndFree(void* memory, const char*, int) {
  if (memory == nullptr) return;
  explicit_bzero(memory, malloc_usable_size(memory));
  std::free(memory);
}

// Not realloc, which leaves a copy behind where it moves.
void* Reallocate(void* memory, std::size_t len, const char* file, int line) {
  if (memory == nullptr) return Allocate(len, file, line);
  void* const larger = Allocate(len, file, line);
  if (larger == nullptr && len > 0) return nullptr;
  if (larger != nullptr) memcpy(larger, memory, std::min(len, malloc_usable_size(memory)));
  WipeAndFree(memory, file, line);
  return larger;
}

// NOLINTEND(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory)

}  // namespace

void WipeOpenSslMemory() {
  Check(CRYPTO_set_mem_functions(&Allocate, &Reallocate, &WipeAndFree) == 1,
        "OpenSSL was used before its memory functions were set");
}

}  // namespace countersign::crypto
