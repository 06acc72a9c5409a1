#pragma once

#include <optional>

#include "base/log.h"
#include "base/random.h"
#include "keys/key_ring.h"
#include "store/config.h"
#include "store/registry.h"
#include "store/server_files.h"

namespace countersign::server {

// World is what a server is given. Everything in it must outlive the server.
struct World {
  store::Registry& registry;
  keys::KeyRing& ring;
  store::ServerStorage& storage;
  RandomSource& random;
  Log& log;
  // PBKDF2 iterations of the automatic backup: crypto::kPkcs12Iterations but in tests.
  int backup_iterations;
  // The administrator whose request is being carried out; none: the server acts by itself.
  std::optional<store::Actor> by = {};
};

}  // namespace countersign::server
