#include "cli/session.h"

#include <memory>
#include <string>
#include <utility>

#include "base/acting_as.h"
#include "base/log.h"
#include "base/process.h"
#include "base/user.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "net/open_when_free.h"
#include "server/admin_codec.h"
#include "server/host.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;

// PBKDF2 of a backup at the most iterations that are read takes seconds, on a slow machine more.
constexpr auto kTimeout = std::chrono::seconds(120);

}  // namespace

// Local is a stopped server, opened by this process.
class Session::Local {
 public:
  static Result<std::unique_ptr<Local, LocalDeleter>> Open(const fs::path& folder) {
    ForbidCoreDumps();
    std::unique_ptr<Local, LocalDeleter> local(new Local(folder));
    const auto acting = ActingAs::OwnerOf(folder);
    if (!acting) return std::unexpected(acting.error());
    auto host = net::OpenWhenFree(
        folder, [&] { return server::Host::Open(folder, *local->log_, ReadClocks().wall); });
    if (!host) return std::unexpected(std::move(host).error());
    local->host_ = *std::move(host);
    return local;
  }
  Local(const Local&) = delete;
  Local& operator=(const Local&) = delete;
  ~Local() {
    // What the registry's last files belong to, too.
    const auto acting = ActingAs::OwnerOf(folder_);
    host_.reset();
  }

  Result<server::AdminMessage> Call(const server::AdminMessage& request) {
    const auto acting = ActingAs::OwnerOf(folder_);
    if (!acting) return std::unexpected(acting.error());
    return host_->admin().Handle(request, RealUser(), ReadClocks().wall);
  }

 private:
  explicit Local(fs::path folder) : folder_(std::move(folder)), log_(MakeQuietLog()) {}
  fs::path folder_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<server::Host> host_;
};

void Session::LocalDeleter::operator()(Local* local) const { delete local; }

Result<Session> Session::Find(const fs::path& folder) {
  COUNTERSIGN_RETURN_IF_ERROR(server::CheckServerFolder(folder));
  Session session;
  session.folder_ = folder;
  return session;
}

Status Session::Open() {
  if (client_ || local_) return {};
  auto client = net::ControlClient::Connect(folder_);
  if (!client && client.error().code != Code::kUnavailable &&
      client.error().code != Code::kNotFound) {
    return std::unexpected(std::move(client).error());
  }
  if (!client) {
    auto local = Local::Open(folder_);
    if (local) {
      local_ = *std::move(local);
      return {};
    }
    // A server that has just started has the folder now.
    client = net::ControlClient::Connect(folder_);
    if (!client) return std::unexpected(std::move(local).error());
  }
  client_.emplace(*std::move(client));
  return {};
}

Result<server::AdminMessage> Session::Call(server::AdminMessage request, std::string_view what) {
  COUNTERSIGN_RETURN_IF_ERROR(Open());
  std::optional<Progress> progress;
  if (!what.empty()) progress.emplace(std::string(what));
  request.json["from"] = boost::json::object{{"terminal", TerminalName()}, {"login", LoginName()}};
  server::AdminMessage answer;
  if (client_) {
    const auto reply = client_->Call(server::EncodeAdmin(std::move(request)), kTimeout);
    if (!reply) return std::unexpected(reply.error());
    auto decoded = server::DecodeAdmin({reply->json, {}, reply->blobs});
    if (!decoded) return std::unexpected(std::move(decoded).error());
    answer = *std::move(decoded);
  } else {
    auto handled = local_->Call(request);
    if (!handled) return handled;
    answer = *std::move(handled);
  }
  progress.reset();
  if (auto error = AnswerError(answer.json)) return std::unexpected(*std::move(error));
  return answer;
}

}  // namespace countersign::cli
