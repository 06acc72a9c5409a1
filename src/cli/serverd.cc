#include <CLI/CLI.hpp>

#include "cli/agentd.h"
#include "cli/folders.h"
#include "cli/output.h"
#include "cli/usage.h"

namespace countersign::cli {

int RunServerd(int argc, char** argv, const RunDaemon& run) {
  CLI::App app("countersignd: the management server", "countersignd");
  app.set_version_flag("--version", COUNTERSIGN_VERSION);
  std::string folder;
  bool json = false;
  app.add_option("--data", folder,
                 "the server's folder (else COUNTERSIGN_DATA, /var/lib/countersign)");
  app.add_flag("--json", json, "a log of JSON lines");
  app.footer(
      "Runs in the foreground until SIGTERM; SIGHUP reads the configuration anew.\n"
      "countersign server init makes the folder.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return static_cast<int>(ExplainUsage(app, error, argc, argv));
  }
  const auto ended = run(DataFolder(folder), json);
  return static_cast<int>(ended ? Exit::kOk : PrintError(ended.error(), Form::kText));
}

}  // namespace countersign::cli
