// The replacement of the random generator as a whole is deprecated in OpenSSL 3.0, and the only one
// that reaches key generation, ECDSA and PKCS#12 alike.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "tests/simulation/seeded_openssl.h"

#include <openssl/rand.h>

#include <optional>

#include "base/error.h"
#include "tests/support/seeded_random.h"

namespace countersign::simulation {
namespace {

std::optional<testing::SeededRandom>& Source() {
  static std::optional<testing::SeededRandom> source;
  return source;
}

int FillBytes(unsigned char* out, int len) {
  if (len < 0 || !Source()) return 0;
  Source()->Fill({out, static_cast<std::size_t>(len)});
  return 1;
}

int IsSeeded() { return 1; }

constexpr RAND_METHOD kMethod = {.seed = nullptr,
                                 .bytes = FillBytes,
                                 .cleanup = nullptr,
                                 .add = nullptr,
                                 .pseudorand = FillBytes,
                                 .status = IsSeeded};

}  // namespace

SeededOpenSsl::SeededOpenSsl(std::uint64_t seed) {
  Check(!Source(), "OpenSSL is seeded already");
  Source().emplace(seed);
  Check(RAND_set_rand_method(&kMethod) == 1, "RAND_set_rand_method");
}

SeededOpenSsl::~SeededOpenSsl() {
  RAND_set_rand_method(nullptr);
  Source().reset();
}

}  // namespace countersign::simulation
