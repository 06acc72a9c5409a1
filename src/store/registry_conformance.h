#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/registry.h"

// What every engine of the registry has to pass: registry_conformance_test.cc,
// registry_agents_test.cc, registry_orders_test.cc, registry_proofs_test.cc,
// registry_records_test.cc and registry_rollouts_test.cc. A test program is made of these six and
// one file that defines EnginesUnderTest (see sqlite_registry_test.cc). For tests only.
namespace countersign::store {

// TestEngine is one place where a registry is kept, empty at first, gone with the object.
class TestEngine {
 public:
  virtual ~TestEngine() = default;
  // Open connects to it; what an earlier connection committed is there if the engine persists.
  [[nodiscard]] virtual Result<std::unique_ptr<Registry>> Open() = 0;
};

struct EngineCase {
  std::string name;  // letters and digits
  std::unique_ptr<TestEngine> (*make)() = nullptr;
  bool persists = true;  // false: skip what opens it again
};
inline std::ostream& operator<<(std::ostream& out, const EngineCase& engine) {
  return out << engine.name;
}

[[nodiscard]] std::vector<EngineCase> EnginesUnderTest();

// RegistryUnderTest is a new engine with one connection to it.
class RegistryUnderTest {
 public:
  explicit RegistryUnderTest(const EngineCase& engine) : engine_(engine.make()) { Reopen(); }
  // Reopen drops the connection and opens a new one.
  void Reopen() {
    registry_.reset();
    auto opened = engine_->Open();
    Check(opened.has_value(), opened ? "" : opened.error().message);
    registry_ = *std::move(opened);
  }
  [[nodiscard]] Registry& registry() { return *registry_; }

 private:
  std::unique_ptr<TestEngine> engine_;
  std::unique_ptr<Registry> registry_;
};

}  // namespace countersign::store
