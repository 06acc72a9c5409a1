#pragma once

namespace countersign::cli {

// RunCertificateManager is the program CertificateManager: the documented switches in front of the
// same code as `countersign cert`. Passwords among the arguments are wiped from argv. Returns the
// exit code.
[[nodiscard]] int RunCertificateManager(int argc, char** argv);

}  // namespace countersign::cli
