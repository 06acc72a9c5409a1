#include "cli/agentd.h"
#include "daemon/log.h"
#include "daemon/server_daemon.h"

int main(int argc, char** argv) {
  using countersign::daemon::LogForm;
  return countersign::cli::RunServerd(argc, argv, [](const auto& folder, bool json_log) {
    const auto log = countersign::daemon::MakeLog(json_log ? LogForm::kJson : LogForm::kText);
    return countersign::daemon::RunServer(folder, *log);
  });
}
