#include "store/unload_file.h"

#include <algorithm>

#include "base/files.h"
#include "crypto/argon2.h"
#include "crypto/hash.h"

namespace countersign::store {
namespace {

constexpr std::string_view kMagic = "CSUL";
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMaxBootIdLen = 64;
constexpr Uptime kLongestLock = std::chrono::hours(24);

std::unexpected<Error> Damaged(std::string_view what) {
  return Fail(Code::kDamaged,
              "the file \"unload\" of the agent's folder is damaged (" + std::string(what) +
                  "), so nobody can say what the unload password is",
              "a warrant of the owner passes all the same (countersign owner warrant --unlock); "
              "or, as root, remove the file and set the password anew");
}

std::uint64_t Number(std::int64_t value) { return static_cast<std::uint64_t>(value); }

}  // namespace

Bytes EncodeUnloadState(const UnloadState& state) {
  Writer writer;
  writer.Raw(AsBytes(kMagic)).U8(kVersion);
  writer.Prefixed(AsBytes(state.verifier)).U32(state.failures);
  writer.U64(Number(state.lock_left.count())).Prefixed(AsBytes(state.boot_id));
  writer.U64(Number(state.at.count())).U64(Number(ToUnix(state.wall_at)));
  writer.Raw(crypto::Sha256(writer.bytes()));
  return writer.Take();
}

Result<UnloadState> ParseUnloadState(ByteView file) {
  if (file.size() > kMaxUnloadFileLen || file.size() < sizeof(Digest)) return Damaged("length");
  const ByteView body = file.first(file.size() - sizeof(Digest));
  if (!std::ranges::equal(crypto::Sha256(body), file.last(sizeof(Digest)))) {
    return Damaged("checksum");
  }
  Reader reader(body);
  if (AsText(reader.ReadBytes(kMagic.size())) != kMagic || reader.ReadU8() != kVersion) {
    return Damaged("of no version that this program knows");
  }
  UnloadState state;
  state.verifier = AsText(reader.ReadPrefixed(crypto::kMaxVerifierLen));
  state.failures = reader.ReadU32();
  state.lock_left = Uptime(static_cast<std::int64_t>(reader.ReadU64()));
  state.boot_id = AsText(reader.ReadPrefixed(kMaxBootIdLen));
  state.at = Uptime(static_cast<std::int64_t>(reader.ReadU64()));
  state.wall_at = FromUnix(static_cast<std::int64_t>(reader.ReadU64()));
  if (!reader.AtEnd()) return Damaged("length of its parts");
  if (!state.verifier.empty() && !crypto::CheckVerifierForm(state.verifier)) {
    return Damaged("its verifier");
  }
  if (state.lock_left < Uptime(0) || state.lock_left > kLongestLock) return Damaged("its lock");
  return state;
}

Result<Bytes> UnloadFile::Load() {
  auto file = ReadFile(path_, kMaxUnloadFileLen);
  if (!file && file.error().code == Code::kNotFound) return Bytes();
  return file;
}

Status UnloadFile::Store(ByteView whole) {
  return WriteFileAtomically(path_, whole, FileMode::kPrivate);
}

}  // namespace countersign::store
