#pragma once

#include <boost/json/object.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

// What programs for servers and for endpoints share, so that the latter hold nothing of a server.
namespace countersign::cli {

// DataFolder finds the server's folder: --data, COUNTERSIGN_DATA, /var/lib/countersign.
[[nodiscard]] std::filesystem::path DataFolder(const std::string& option);
// AgentFolderPath: --agent-folder, COUNTERSIGN_AGENT_FOLDER, /var/lib/countersign-agent.
[[nodiscard]] std::filesystem::path AgentFolderPath(const std::string& option);

// AgentdCommand is countersign-agentd for that folder, as it is typed: in what to run now.
[[nodiscard]] std::string AgentdCommand(const std::filesystem::path& folder);

// CheckAgentFolder fails with kNotFound where there is no such folder, or this process may not look
// at it. `option`: how another one is named ("--agent-folder").
[[nodiscard]] Status CheckAgentFolder(const std::filesystem::path& folder, std::string_view option);

// OrNext is the error with this as what to run now, where it has nothing.
[[nodiscard]] Error OrNext(Error error, std::string next);

// AnswerError turns an answer with "ok": false back into the Error; nothing if it is ok.
[[nodiscard]] std::optional<Error> AnswerError(const boost::json::object& answer);
// ReadAnswer parses an answer; what AnswerError finds in it, or kInternal for no JSON object, is
// the error.
[[nodiscard]] Result<boost::json::object> ReadAnswer(std::string_view json);

}  // namespace countersign::cli
