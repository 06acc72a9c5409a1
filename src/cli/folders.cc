#include "cli/folders.h"

#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "base/process.h"
#include "cli/output.h"
#include "cli/shell_word.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUsualAgentFolder = "/var/lib/countersign-agent";

fs::path Choose(const std::string& option, const char* variable, std::string_view fallback) {
  if (!option.empty()) return option;
  const std::string value = GetEnvironment(variable);
  return value.empty() ? fs::path(fallback) : fs::path(value);
}

}  // namespace

fs::path DataFolder(const std::string& option) {
  return Choose(option, "COUNTERSIGN_DATA", "/var/lib/countersign");
}

fs::path AgentFolderPath(const std::string& option) {
  return Choose(option, "COUNTERSIGN_AGENT_FOLDER", kUsualAgentFolder);
}

std::string AgentdCommand(const fs::path& folder) {
  if (folder == kUsualAgentFolder) return "countersign-agentd";
  return "countersign-agentd --agent-folder " + ShellWord(folder.string());
}

Status CheckAgentFolder(const fs::path& folder, std::string_view option) {
  std::error_code failed;
  if (fs::is_directory(folder, failed)) return {};
  return Fail(Code::kNotFound, "there is no agent in " + folder.string(),
              "countersign-agentd install --from PACKAGE makes one; " + std::string(option) +
                  " FOLDER names the folder of another");
}

Error OrNext(Error error, std::string next) {
  if (error.next.empty()) error.next = std::move(next);
  return error;
}

std::optional<Error> AnswerError(const boost::json::object& answer) {
  const auto* const ok = answer.if_contains("ok");
  if (ok != nullptr && *ok == true) return std::nullopt;
  static constexpr std::array<Code, 13> kCodes = {
      Code::kUsage,         Code::kMalformed,        Code::kNotFound,
      Code::kAlreadyExists, Code::kPermissionDenied, Code::kWrongPassword,
      Code::kRefused,       Code::kUnavailable,      Code::kTimedOut,
      Code::kExhausted,     Code::kDamaged,          Code::kIo,
      Code::kInternal};
  Error error{Code::kInternal, Text(answer, "message"), Text(answer, "next")};
  const std::string name = Text(answer, "code");
  for (const Code code : kCodes) {
    if (CodeName(code) == name) error.code = code;
  }
  return error;
}

Result<boost::json::object> ReadAnswer(std::string_view json) {
  boost::system::error_code failed;
  auto value = boost::json::parse(json, failed);
  if (failed || !value.is_object()) {
    return Fail(Code::kInternal, "the agent's answer is no JSON object");
  }
  if (auto error = AnswerError(value.get_object())) return std::unexpected(*std::move(error));
  return std::move(value.get_object());
}

}  // namespace countersign::cli
