#include "cli/agentd.h"
#include "crypto/wiping_memory.h"
#include "daemon/log.h"
#include "daemon/server_daemon.h"

int main(int argc, char** argv) {
  countersign::crypto::WipeOpenSslMemory();
  using countersign::daemon::LogForm;
  return countersign::cli::RunServerd(argc, argv, [](const auto& folder, bool json_log) {
    const auto log = countersign::daemon::MakeLog(json_log ? LogForm::kJson : LogForm::kText);
    return countersign::daemon::RunServer(folder, *log);
  });
}
