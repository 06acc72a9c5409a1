#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "cli/output.h"
#include "cli/passwords.h"
#include "cli/session.h"

// countersign backup …: the automatic backup, AuthCertBackup/OfficeScanAuth.dat.
namespace countersign::cli {

struct BackupVerifyCommand {
  std::filesystem::path file;  // a copy; empty: the automatic backup itself
  PasswordSource password = AutomaticBackupPassword();
};
// VerifyBackup opens it and says what a restore would bring back. kBackupLacks if that is not
// everything.
[[nodiscard]] Exit VerifyBackup(Session& session, const BackupVerifyCommand& command, Form form);

[[nodiscard]] Exit ShowBackupStatus(Session& session, Form form);

struct BackupDrillCommand {
  PasswordSource password = AutomaticBackupPassword();
  std::filesystem::path scratch;  // a folder to make and remove; empty: one in the server's folder
};
// DrillBackup restores the automatic backup into a scratch folder, in this process, and compares.
// kBackupLacks if anything came out otherwise than it should.
[[nodiscard]] Exit DrillBackup(Session& session, const BackupDrillCommand& command, Form form);

struct BackupPasswordCommand {
  PasswordSource password = AutomaticBackupPassword();
  PasswordSource fresh;
};
[[nodiscard]] Exit ChangeBackupPassword(Session& session, const BackupPasswordCommand& command,
                                        Form form);

}  // namespace countersign::cli
