#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "keys/key_ring.h"

namespace countersign::keys {
namespace {

std::string NoSuchKey(const Digest& key) { return "the key ring holds no key " + HexLower(key); }

class MemoryKeyRing final : public KeyRing {
 public:
  Status Add(const crypto::PrivateKey& key, Exportable exportable) override {
    const auto [at, fresh] =
        keys_.try_emplace(key.public_key().digest(),
                          Entry{std::make_shared<const crypto::PrivateKey>(key), exportable});
    if (!fresh && exportable == Exportable::kNo) at->second.exportable = Exportable::kNo;
    return {};
  }

  Result<std::shared_ptr<const crypto::Signer>> Find(const Digest& key) const override {
    const auto at = keys_.find(key);
    if (at == keys_.end()) return Fail(Code::kNotFound, NoSuchKey(key));
    return at->second.key;
  }

  Result<crypto::PrivateKey> Export(const Digest& key, KeyExportToken) const override {
    const auto at = keys_.find(key);
    if (at == keys_.end()) return Fail(Code::kNotFound, NoSuchKey(key));
    return *at->second.key;
  }

  Result<Exportable> IsExportable(const Digest& key) const override {
    const auto at = keys_.find(key);
    if (at == keys_.end()) return Fail(Code::kNotFound, NoSuchKey(key));
    return at->second.exportable;
  }

  Status Destroy(const Digest& key) override {
    keys_.erase(key);
    return {};
  }

  Result<std::vector<Digest>> List() const override {
    std::vector<Digest> digests;
    for (const auto& [digest, entry] : keys_) digests.push_back(digest);
    return digests;
  }

 private:
  struct Entry {
    std::shared_ptr<const crypto::PrivateKey> key;
    Exportable exportable;
  };
  std::map<Digest, Entry> keys_;
};

}  // namespace

std::unique_ptr<KeyRing> MakeMemoryKeyRing() { return std::make_unique<MemoryKeyRing>(); }

}  // namespace countersign::keys
