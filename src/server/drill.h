#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/log.h"
#include "server/host.h"

namespace countersign::server {

// DrillRequest is a restore to be tried, and what it should bring back.
struct DrillRequest {
  std::filesystem::path scratch;  // a folder that is not there; gone again afterwards
  ByteView file;                  // the automatic backup
  const SecretBytes& password;
  crypto::Certificate active;  // what is in use now
  std::optional<Digest> reserve;
  store::ServerConfig config;
  int backup_iterations = crypto::kPkcs12Iterations;  // as in World
};

// DrillStep is one thing that was tried, in order.
struct DrillStep {
  std::string what;
  std::string problem;  // empty: it came out as it should
};

// DrillBackup installs a server from the backup in the scratch folder, opens it as a start would,
// compares it with what is in use, makes a new certificate there, and lets an agent that holds the
// present one judge it by rule A. Touches nothing outside the scratch folder. Steps after a failed
// one are left out. Some seconds (PBKDF2). An error: the drill itself could not be run.
[[nodiscard]] Result<std::vector<DrillStep>> DrillBackup(const DrillRequest& request, Log& log,
                                                         Instant now);

}  // namespace countersign::server
