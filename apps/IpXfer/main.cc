#include "cli/ip_xfer.h"
#include "cli/output.h"
#include "crypto/wiping_memory.h"
#include "daemon/mover_control.h"

int main(int argc, char** argv) {
  countersign::crypto::WipeOpenSslMemory();
  const auto log = countersign::cli::MakeQuietLog();
  return countersign::cli::RunIpXfer(argc, argv, [&](const auto& folder, const auto& request) {
    return countersign::daemon::MoveStopped(folder, request, *log);
  });
}
