#include "cli/agentd.h"
#include "crypto/wiping_memory.h"
#include "daemon/agent_daemon.h"
#include "daemon/log.h"

int main(int argc, char** argv) {
  countersign::crypto::WipeOpenSslMemory();
  using countersign::daemon::LogForm;
  return countersign::cli::RunAgentd(argc, argv, [](const auto& folder, bool json_log) {
    const auto log = countersign::daemon::MakeLog(json_log ? LogForm::kJson : LogForm::kText);
    return countersign::daemon::RunAgent(folder, *log);
  });
}
