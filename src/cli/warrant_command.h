#pragma once

#include <string>

#include "cli/output.h"
#include "cli/passwords.h"

namespace countersign::cli {

// `countersign owner warrant`: what the owner allows at an agent that no server can allow. Needs a
// copy of the automatic backup and its password, and no server.
struct WarrantCommand {
  std::string unlock;  // agent id
  // Server id; empty: the agent's, by the registry in `data`; or the backup's only one.
  std::string server;
  std::string backup;   // copy of OfficeScanAuth.dat; empty: that of the server in `data`
  std::string data;     // --data as given
  std::string output;   // file to write it to, 0600
  std::string expires;  // as ParseDuration; empty: 7 days
  PasswordSource password = AutomaticBackupPassword();
  bool replace = false;  // overwrite an existing file
};
[[nodiscard]] Exit WriteUnlockWarrant(const WarrantCommand& command, Form form);

// ReadBackupCopy reads the file, or asks the server in `data` for its own automatic backup.
[[nodiscard]] Result<Bytes> ReadBackupCopy(const std::string& file, const std::string& data);
// OfBackupCopy puts the name of the file before what says that it is no backup; where the server's
// own was taken (`file` is empty), that one is damaged.
[[nodiscard]] Error OfBackupCopy(const std::string& file, Error error);

}  // namespace countersign::cli
