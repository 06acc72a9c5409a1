#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/log.h"
#include "net/control_client.h"
#include "server/host.h"

namespace countersign::cli {

// DataFolder finds the server's folder: --data, COUNTERSIGN_DATA, /var/lib/countersign.
[[nodiscard]] std::filesystem::path DataFolder(const std::string& option);
// AgentFolderPath: --agent-folder, COUNTERSIGN_AGENT_FOLDER, /var/lib/countersign-agent.
[[nodiscard]] std::filesystem::path AgentFolderPath(const std::string& option);

// Session carries administrators' commands to a server, whether it runs (over its control socket)
// or not (in this process, under the folder's lock, as the folder's owner).
class Session {
 public:
  [[nodiscard]] static Result<Session> Open(const std::filesystem::path& folder);
  [[nodiscard]] bool server_runs() const { return client_.has_value(); }
  // Call returns the answer with "ok": true; a refusal comes as the Error that it was.
  [[nodiscard]] Result<server::AdminMessage> Call(server::AdminMessage request);

 private:
  Session() = default;
  std::optional<net::ControlClient> client_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<server::Host> host_;
};

// AnswerError turns an answer with "ok": false back into the Error; nothing if it is ok.
[[nodiscard]] std::optional<Error> AnswerError(const boost::json::object& answer);

}  // namespace countersign::cli
