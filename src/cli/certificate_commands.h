#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "cli/csv.h"
#include "cli/output.h"
#include "cli/passwords.h"
#include "cli/session.h"

// What can be done with the server's own certificate: one code below `CertificateManager` and
// `countersign cert`. Each prints its outcome and returns the exit code. Paths belong to the
// caller's folder, also with a running server; files and passwords are read before the server is
// asked.
namespace countersign::cli {

struct ReplaceCommand {
  PasswordSource password = AutomaticBackupPassword();
  bool clock_is_right = false;
  bool compromised = false;     // the present keys were stolen
  bool on_this_server = false;  // the password may be typed here nevertheless
};
// ReplaceCertificate: compromised and not on_this_server is refused before a password is asked for.
[[nodiscard]] Exit ReplaceCertificate(Session& session, const ReplaceCommand& command, Form form);

// ExportCertificate writes to a file, or as OfcNTCer.dat into a folder; an existing file is
// replaced.
[[nodiscard]] Exit ExportCertificate(Session& session, const std::filesystem::path& path,
                                     Form form);

// ListMismatched replaces an existing file; "-": standard output, what is said about it to standard
// error. kSomeListed if any agent is listed.
[[nodiscard]] Exit ListMismatched(Session& session, const std::filesystem::path& path, Bom bom,
                                  Form form);

[[nodiscard]] Exit ListCertificates(Session& session, Form form);

// ShowCertificate shows every field of the server's active certificate.
[[nodiscard]] Exit ShowCertificate(Session& session, Form form);
// ShowCertificateFile shows those of a file; no server is needed.
[[nodiscard]] Exit ShowCertificateFile(const std::filesystem::path& path, Form form);

// PrintChanged prints the success line, which begins as documented, and the certificate; in JSON
// the answer as it is.
[[nodiscard]] Exit PrintChanged(const server::AdminMessage& answer, std::string_view what,
                                Form form);

inline constexpr std::string_view kSuccess = "Certificate Authentication Manager has successfully ";

}  // namespace countersign::cli
