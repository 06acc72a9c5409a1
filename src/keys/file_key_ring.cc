#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "base/files.h"
#include "keys/key_ring.h"

namespace countersign::keys {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kExportableSuffix = ".key";
constexpr std::string_view kLockedSuffix = ".nx.key";
constexpr std::size_t kMaxKeyFileLen = 16 * 1024;

std::string_view SuffixOf(Exportable exportable) {
  return exportable == Exportable::kYes ? kExportableSuffix : kLockedSuffix;
}

// ParseName takes a file's name apart; nothing if it is not a key's.
std::optional<Digest> ParseName(std::string_view name) {
  constexpr std::size_t kHexLen = 2 * sizeof(Digest);
  if (name.size() < kHexLen) return std::nullopt;
  const std::string_view hex = name.substr(0, kHexLen);
  const std::string_view suffix = name.substr(kHexLen);
  if (suffix != kExportableSuffix && suffix != kLockedSuffix) return std::nullopt;
  const std::optional<Bytes> bytes = ParseHex(hex);
  if (!bytes || HexLower(*bytes) != hex) return std::nullopt;
  Digest digest{};
  std::ranges::copy(*bytes, digest.begin());
  return digest;
}

// Reads a key file into locked memory; the buffer in between is wiped.
Result<crypto::PrivateKey> ReadKey(const fs::path& path) {
  COUNTERSIGN_RETURN_IF_ERROR(CheckPrivate(path));
  Result<Bytes> file = ReadFile(path, kMaxKeyFileLen);
  if (!file) return std::unexpected(std::move(file).error());
  const SecretBytes der{ByteView(*file)};
  Wipe(*file);
  Result<crypto::PrivateKey> key = crypto::PrivateKey::FromPkcs8(der);
  if (!key) return Fail(Code::kDamaged, path.string() + " holds no key: " + key.error().message);
  return key;
}

class FileKeyRing final : public KeyRing {
 public:
  explicit FileKeyRing(fs::path folder) : folder_(std::move(folder)) {}

  Status Add(const crypto::PrivateKey& key, Exportable exportable) override {
    const Digest& digest = key.public_key().digest();
    const auto there = Where(digest);
    if (!there && there.error().code != Code::kNotFound) return std::unexpected(there.error());
    if (there) return Tighten(digest, there->exportable, exportable);
    const SecretBytes der = key.ToPkcs8(KeyExportToken());
    return WriteFileAtomically(PathOf(digest, exportable), der.view(), FileMode::kPrivate);
  }

  Result<std::shared_ptr<const crypto::Signer>> Find(const Digest& key) const override {
    Result<crypto::PrivateKey> found = Read(key);
    if (!found) return std::unexpected(std::move(found).error());
    return std::make_shared<const crypto::PrivateKey>(*std::move(found));
  }

  Result<crypto::PrivateKey> Export(const Digest& key, KeyExportToken) const override {
    return Read(key);
  }

  Result<Exportable> IsExportable(const Digest& key) const override {
    const auto there = Where(key);
    if (!there) return std::unexpected(there.error());
    return there->exportable;
  }

  // Half-written copies of a key that a power cut left are keys too.
  Status Destroy(const Digest& key) override {
    RemoveLeftovers(folder_);
    COUNTERSIGN_RETURN_IF_ERROR(RemoveDurably(PathOf(key, Exportable::kYes)));
    return RemoveDurably(PathOf(key, Exportable::kNo));
  }

  Result<std::vector<Digest>> List() const override {
    std::set<Digest> digests;
    std::error_code error;
    fs::directory_iterator entry(folder_, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      const auto digest = ParseName(entry->path().filename().string());
      if (digest) digests.insert(*digest);
    }
    if (error) {
      return Fail(Code::kIo, "cannot list " + folder_.string() + ": " + error.message());
    }
    return std::vector<Digest>(digests.begin(), digests.end());
  }

  // CheckFile refuses unsafe permissions of a key's file.
  [[nodiscard]] Status CheckFile(const Digest& key) const {
    const auto there = Where(key);
    if (!there) return std::unexpected(there.error());
    return CheckPrivate(there->path);
  }

 private:
  struct Place {
    fs::path path;
    Exportable exportable;
  };

  [[nodiscard]] fs::path PathOf(const Digest& key, Exportable exportable) const {
    return folder_ / (HexLower(key) + std::string(SuffixOf(exportable)));
  }

  // Where looks for the file under the stricter name first.
  [[nodiscard]] Result<Place> Where(const Digest& key) const {
    for (const Exportable exportable : {Exportable::kNo, Exportable::kYes}) {
      Place place{PathOf(key, exportable), exportable};
      std::error_code error;
      if (fs::exists(place.path, error)) return place;
      if (error) {
        return Fail(Code::kIo, "cannot look for " + place.path.string() + ": " + error.message());
      }
    }
    return Fail(Code::kNotFound,
                "the key ring " + folder_.string() + " holds no key " + HexLower(key));
  }

  // A key that was to stay here once does so for good.
  [[nodiscard]] Status Tighten(const Digest& key, Exportable present, Exportable wanted) const {
    if (present == wanted || wanted == Exportable::kYes) return {};
    return RenameDurably(PathOf(key, present), PathOf(key, wanted));
  }

  [[nodiscard]] Result<crypto::PrivateKey> Read(const Digest& key) const {
    const auto there = Where(key);
    if (!there) return std::unexpected(there.error());
    Result<crypto::PrivateKey> found = ReadKey(there->path);
    if (found && found->public_key().digest() != key) {
      return Fail(Code::kDamaged, there->path.string() + " holds another key than its name says");
    }
    return found;
  }

  fs::path folder_;
};

}  // namespace

Result<std::unique_ptr<KeyRing>> OpenFileKeyRing(const fs::path& folder) {
  COUNTERSIGN_RETURN_IF_ERROR(MakePrivateFolder(folder));
  COUNTERSIGN_RETURN_IF_ERROR(CheckPrivate(folder));
  RemoveLeftovers(folder);
  auto ring = std::make_unique<FileKeyRing>(folder);
  const auto digests = ring->List();
  if (!digests) return std::unexpected(digests.error());
  for (const Digest& digest : *digests) COUNTERSIGN_RETURN_IF_ERROR(ring->CheckFile(digest));
  return ring;
}

}  // namespace countersign::keys
