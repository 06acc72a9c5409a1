#pragma once

#include <boost/json/object.hpp>
#include <filesystem>
#include <optional>
#include <string>

#include "base/secret.h"
#include "cli/agentd.h"
#include "cli/output.h"

// The commands of countersign-agentd, each on one agent's folder. All print their outcome.
namespace countersign::cli {

// UnloadFlags are the ways to show what an unload password wants.
struct UnloadFlags {
  std::string file;     // --password-file
  std::string fd;       // --password-fd
  std::string warrant;  // --warrant: a file
};

// AskAgent sends a command to the running agent. kUnavailable: none runs; what the agent refuses
// comes as the Error that it was.
[[nodiscard]] Result<boost::json::object> AskAgent(
    const std::filesystem::path& folder, boost::json::object request,
    std::chrono::seconds timeout = std::chrono::seconds(10));
[[nodiscard]] bool AgentRuns(const std::filesystem::path& folder);
[[nodiscard]] bool IsAgentFolder(const std::filesystem::path& folder);

// WithUnload calls `act` with what was given to pass the unload password, at first perhaps nothing;
// if that is not enough (kWrongPassword) and nothing was given, it asks at the terminal and calls
// it once more.
using UnloadAct = std::function<Status(const SecretBytes* password, const std::string& warrant)>;
[[nodiscard]] Status WithUnload(const UnloadFlags& flags, const UnloadAct& act);
// PassUnloadHere passes the lock of an agent that does not run.
[[nodiscard]] Status PassUnloadHere(const std::filesystem::path& folder,
                                    const SecretBytes* password, const std::string& warrant);

struct InstallCommand {
  std::string package;
  std::string listen;
  bool service = false;     // --service
  bool no_service = false;  // --no-service
  bool packaged = false;    // --packaged: dpkg has put programs and unit in place
  bool no_verify = false;
  UnloadFlags unload;
};
[[nodiscard]] Exit InstallAgent(const InstallCommand& command, const std::filesystem::path& folder,
                                const AgentdActions& actions, Form form);

[[nodiscard]] Exit ShowAgentStatus(const std::filesystem::path& folder, Form form);
[[nodiscard]] Exit StartAgent(const std::filesystem::path& folder, Form form);

// StopAgent; `unload`: the unload password is asked for also if it does not run.
[[nodiscard]] Exit StopAgent(const std::filesystem::path& folder, const UnloadFlags& flags,
                             bool unload, Form form);
[[nodiscard]] Status StopRunning(const std::filesystem::path& folder, const UnloadFlags& flags);
[[nodiscard]] Exit UninstallAgent(const std::filesystem::path& folder, const UnloadFlags& flags,
                                  Form form);
[[nodiscard]] Exit UpdateNow(const std::filesystem::path& folder, Form form);
[[nodiscard]] Exit CheckAgent(const std::filesystem::path& folder, const AgentdActions& actions,
                              Form form);

}  // namespace countersign::cli
