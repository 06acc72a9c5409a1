#include "cli/agentd.h"
#include "cli/output.h"
#include "crypto/wiping_memory.h"
#include "daemon/agent_daemon.h"
#include "daemon/agent_probe.h"
#include "daemon/log.h"
#include "daemon/mover_control.h"

int main(int argc, char** argv) {
  countersign::crypto::WipeOpenSslMemory();
  using namespace countersign;
  const auto quiet = cli::MakeQuietLog();
  return cli::RunAgentd(
      argc, argv,
      {.run =
           [](const auto& folder, bool json_log) {
             const auto log =
                 daemon::MakeLog(json_log ? daemon::LogForm::kJson : daemon::LogForm::kText);
             return daemon::RunAgent(folder, *log);
           },
       .probe =
           [&](const auto& folder, bool always) {
             return daemon::ProbeAgent(
                 folder,
                 always ? daemon::ExchangeWhen::kAlways : daemon::ExchangeWhen::kIfOtherCertificate,
                 *quiet);
           },
       .move_stopped =
           [&](const auto& folder, const auto& request) {
             return daemon::MoveStopped(folder, request, *quiet);
           }});
}
