#pragma once

#include "keys/key_ring.h"
#include "tests/support/agent_disk.h"
#include "tests/support/forwarding_registry.h"

// A server's power: what a cut in the middle of a change leaves is what was written before it.
namespace countersign::simulation {

// PowerLine counts the moments before and after each write, and cuts at one of them by throwing
// testing::PowerCut.
class PowerLine {
 public:
  // CutAt: at the n-th moment from now; 0: never.
  void CutAt(std::int64_t moment) { left_ = moment; }
  void Pass() {
    if (left_ > 0 && --left_ == 0) throw testing::PowerCut();
  }
  template <class Write>
  auto Around(Write write) {
    Pass();
    auto done = write();
    Pass();
    return done;
  }

 private:
  std::int64_t left_ = 0;
};

// CutRegistry: a transaction is wholly there after a cut, or not at all.
class CutRegistry final : public testing::ForwardingRegistry {
 public:
  CutRegistry(store::Registry& registry, PowerLine& line)
      : ForwardingRegistry(registry), line_(line) {}
  Status Transact(const std::function<Status()>& body) override {
    return line_.Around([&] { return ForwardingRegistry::Transact(body); });
  }

 private:
  PowerLine& line_;
};

class CutRing final : public keys::KeyRing {
 public:
  CutRing(keys::KeyRing& ring, PowerLine& line) : ring_(ring), line_(line) {}
  Status Add(const crypto::PrivateKey& key, keys::Exportable exportable) override {
    return line_.Around([&] { return ring_.Add(key, exportable); });
  }
  Status Destroy(const Digest& key) override {
    return line_.Around([&] { return ring_.Destroy(key); });
  }
  Result<std::shared_ptr<const crypto::Signer>> Find(const Digest& key) const override {
    return ring_.Find(key);
  }
  Result<crypto::PrivateKey> Export(const Digest& key, KeyExportToken token) const override {
    return ring_.Export(key, token);
  }
  Result<keys::Exportable> IsExportable(const Digest& key) const override {
    return ring_.IsExportable(key);
  }
  Result<std::vector<Digest>> List() const override { return ring_.List(); }

 private:
  keys::KeyRing& ring_;
  PowerLine& line_;
};

}  // namespace countersign::simulation
