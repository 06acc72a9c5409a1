#include "cli/session.h"

#include <array>
#include <utility>

#include "base/process.h"
#include "cli/output.h"
#include "net/open_when_free.h"
#include "server/admin_codec.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;

// PBKDF2 of a backup at the most iterations that are read takes seconds, on a slow machine more.
constexpr auto kTimeout = std::chrono::seconds(120);

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
  return Choose(option, "COUNTERSIGN_AGENT_FOLDER", "/var/lib/countersign-agent");
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

Result<Session> Session::Open(const fs::path& folder) {
  COUNTERSIGN_RETURN_IF_ERROR(server::CheckServerFolder(folder));
  Session session;
  auto client = net::ControlClient::Connect(folder);
  if (!client && client.error().code != Code::kUnavailable &&
      client.error().code != Code::kNotFound) {
    return std::unexpected(std::move(client).error());
  }
  if (!client) {
    COUNTERSIGN_RETURN_IF_ERROR(BecomeOwnerOf(folder));
    ForbidCoreDumps();
    session.log_ = MakeQuietLog();
    auto host = net::OpenWhenFree(
        folder, [&] { return server::Host::Open(folder, *session.log_, ReadClocks().wall); });
    if (host) {
      session.host_ = *std::move(host);
      return session;
    }
    // A server that has just started has the folder now.
    client = net::ControlClient::Connect(folder);
    if (!client) return std::unexpected(std::move(host).error());
  }
  session.client_.emplace(*std::move(client));
  return session;
}

Result<server::AdminMessage> Session::Call(server::AdminMessage request) {
  request.json["by"] = UserName();
  server::AdminMessage answer;
  if (client_) {
    const auto reply = client_->Call(server::EncodeAdmin(std::move(request)), kTimeout);
    if (!reply) return std::unexpected(reply.error());
    auto decoded = server::DecodeAdmin({reply->json, {}, reply->blobs});
    if (!decoded) return std::unexpected(std::move(decoded).error());
    answer = *std::move(decoded);
  } else {
    answer = host_->admin().Handle(request, ReadClocks().wall);
  }
  if (auto error = AnswerError(answer.json)) return std::unexpected(*std::move(error));
  return answer;
}

}  // namespace countersign::cli
