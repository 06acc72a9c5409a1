#include "cli/ip_xfer.h"
#include "cli/output.h"
#include "crypto/wiping_memory.h"
#include "daemon/renew_stopped.h"

int main(int argc, char** argv) {
  countersign::crypto::WipeOpenSslMemory();
  const auto log = countersign::cli::MakeQuietLog();
  return countersign::cli::RunIpXfer(
      argc, argv, [&](const auto& folder, const auto& certificate, bool verify) {
        return countersign::daemon::RenewStopped(folder, certificate, verify, *log);
      });
}
