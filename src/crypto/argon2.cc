#include "crypto/argon2.h"

#include <argon2.h>

#include <charconv>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "crypto/hash.h"

namespace countersign::crypto {
namespace {

constexpr std::string_view kPrefix = "$argon2id$v=19$m=";
constexpr std::size_t kSaltLen = 16;
constexpr std::size_t kHashLen = 32;
constexpr std::size_t kMinSaltLen = 8;
constexpr std::size_t kMaxSaltLen = 48;
constexpr std::size_t kMinHashLen = 16;
constexpr std::size_t kMaxHashLen = 64;
// RFC 9106, 3.1: at least 8 blocks of 1 KiB for each lane.
constexpr std::uint32_t kMinMemoryOfLane = 8;

// PHC strings have the alphabet of base64 and no padding. One way to write each value.
std::optional<Bytes> DecodeUnpadded(std::string_view text) {
  if (text.empty() || text.find('=') != std::string_view::npos) return std::nullopt;
  std::string padded(text);
  while (padded.size() % 4 != 0) padded.push_back('=');
  return Base64Decode(padded);
}

std::string EncodeUnpadded(ByteView octets) {
  std::string text = Base64Encode(octets);
  while (text.ends_with('=')) text.pop_back();
  return text;
}

struct Verifier {
  Argon2Cost cost;
  Bytes salt;
  Bytes hash;
};

bool IsAllowed(const Argon2Cost& cost) {
  return cost.passes >= 1 && cost.passes <= kMaxArgon2Passes && cost.lanes >= 1 &&
         cost.lanes <= kMaxArgon2Lanes && cost.memory_kib >= kMinMemoryOfLane * cost.lanes &&
         cost.memory_kib <= kMaxArgon2MemoryKib;
}

// Takes a decimal number without leading zeros, and `then` behind it, off the front.
std::optional<std::uint32_t> TakeNumber(std::string_view& text, std::string_view then) {
  std::uint32_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || text.front() == '0') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.starts_with(then)) return std::nullopt;
  text.remove_prefix(then.size());
  return value;
}

std::optional<Verifier> Read(std::string_view text) {
  if (text.size() > kMaxVerifierLen || !text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  const auto memory = TakeNumber(text, ",t=");
  const auto passes = memory ? TakeNumber(text, ",p=") : std::nullopt;
  const auto lanes = passes ? TakeNumber(text, "$") : std::nullopt;
  if (!lanes) return std::nullopt;
  const std::size_t dollar = text.find('$');
  if (dollar == std::string_view::npos) return std::nullopt;
  auto salt = DecodeUnpadded(text.substr(0, dollar));
  auto hash = DecodeUnpadded(text.substr(dollar + 1));
  if (!salt || !hash || salt->size() < kMinSaltLen || salt->size() > kMaxSaltLen ||
      hash->size() < kMinHashLen || hash->size() > kMaxHashLen) {
    return std::nullopt;
  }
  Verifier verifier{{*memory, *passes, *lanes}, *std::move(salt), *std::move(hash)};
  if (!IsAllowed(verifier.cost)) return std::nullopt;
  return verifier;
}

std::unexpected<Error> NotAVerifier() {
  return Fail(Code::kMalformed,
              "not a verifier of an unload password: $argon2id$v=19$m=…,t=…,p=…$salt$hash is "
              "expected, with at most 256 MiB, 16 passes and 8 lanes");
}

Result<SecretBytes> Hash(const SecretBytes& password, const Argon2Cost& cost, ByteView salt,
                         std::size_t len) {
  // The library wipes what it is given as the password: a copy.
  Bytes copy = ToBytes(password.view());
  Bytes own_salt = ToBytes(salt);
  Bytes out(len);
  argon2_context context{};
  context.out = out.data();
  context.outlen = static_cast<std::uint32_t>(out.size());
  context.pwd = copy.data();
  context.pwdlen = static_cast<std::uint32_t>(copy.size());
  context.salt = own_salt.data();
  context.saltlen = static_cast<std::uint32_t>(own_salt.size());
  context.t_cost = cost.passes;
  context.m_cost = cost.memory_kib;
  context.lanes = cost.lanes;
  context.threads = 1;  // the lanes one after the other: the same result
  context.version = ARGON2_VERSION_13;
  context.flags = ARGON2_FLAG_CLEAR_PASSWORD;
  const int failed = argon2_ctx(&context, Argon2_id);
  Wipe(copy);
  SecretBytes hash(out);
  Wipe(out);
  if (failed == ARGON2_OK) return hash;
  const Code code = failed == ARGON2_MEMORY_ALLOCATION_ERROR ? Code::kExhausted : Code::kInternal;
  return Fail(code, "the password cannot be hashed (argon2id with " +
                        std::to_string(cost.memory_kib / 1024) +
                        " MiB): " + argon2_error_message(failed));
}

}  // namespace

Result<std::string> MakeVerifier(const SecretBytes& password, const Argon2Cost& cost,
                                 RandomSource& random) {
  if (!IsAllowed(cost)) return Fail(Code::kUsage, "argon2id: a cost beyond the documented limits");
  const auto salt = random.Array<kSaltLen>();
  const auto hash = Hash(password, cost, salt, kHashLen);
  if (!hash) return std::unexpected(hash.error());
  return std::string(kPrefix) + std::to_string(cost.memory_kib) +
         ",t=" + std::to_string(cost.passes) + ",p=" + std::to_string(cost.lanes) + "$" +
         EncodeUnpadded(salt) + "$" + EncodeUnpadded(hash->view());
}

Status CheckVerifierForm(std::string_view verifier) {
  if (!Read(verifier)) return NotAVerifier();
  return {};
}

Status VerifyPassword(std::string_view verifier, const SecretBytes& password) {
  const auto expected = Read(verifier);
  if (!expected) return NotAVerifier();
  const auto hash = Hash(password, expected->cost, expected->salt, expected->hash.size());
  if (!hash) return std::unexpected(hash.error());
  if (EqualConstantTime(hash->view(), expected->hash)) return {};
  return Fail(Code::kWrongPassword, "the password is not the one of the verifier");
}

}  // namespace countersign::crypto
