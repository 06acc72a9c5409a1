#pragma once

#include <filesystem>
#include <string>

#include "base/secret.h"
#include "cli/csv.h"
#include "cli/output.h"
#include "cli/session.h"

// What can be done with the server's own certificate: one code below `CertificateManager` and
// `countersign cert`. Each prints its outcome and returns the exit code. Paths belong to the
// caller's folder, also with a running server.
namespace countersign::cli {

[[nodiscard]] Exit ReplaceCertificate(Session& session, const SecretBytes& password,
                                      bool clock_is_right, Form form);
[[nodiscard]] Exit ExportCertificate(Session& session, const std::filesystem::path& path,
                                     Form form);

struct ImportCommand {
  std::filesystem::path file;
  bool exportable = true;
  bool replace = false;  // cut off the agents that hold the present identity
};
// `backup_password`: for the automatic backup; empty: that of the file.
[[nodiscard]] Exit ImportCertificate(Session& session, const ImportCommand& command,
                                     const SecretBytes& file_password,
                                     const SecretBytes& backup_password, Form form);
[[nodiscard]] Exit ListMismatched(Session& session, const std::filesystem::path& path, Bom bom,
                                  Form form);
[[nodiscard]] Exit ListCertificates(Session& session, Form form);
[[nodiscard]] Exit ChangeBackupPassword(Session& session, const SecretBytes& old_password,
                                        const SecretBytes& new_password, Form form);

}  // namespace countersign::cli
