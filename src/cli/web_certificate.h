#pragma once

#include <filesystem>

#include "cli/output.h"
#include "cli/session.h"

// countersign server web-certificate: the certificate with which the server speaks TLS.
namespace countersign::cli {

[[nodiscard]] Exit ShowWebCertificate(Session& session, Form form);
[[nodiscard]] Exit RenewWebCertificate(Session& session, Form form);
// InstallWebCertificate: `certificate` is PEM (with its chain after it) or DER, `key` is PEM
// without a password.
[[nodiscard]] Exit InstallWebCertificate(Session& session, const std::filesystem::path& certificate,
                                         const std::filesystem::path& key, Form form);

}  // namespace countersign::cli
