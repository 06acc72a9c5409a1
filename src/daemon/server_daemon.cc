#include "daemon/server_daemon.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <utility>

#include "base/process.h"
#include "base/user.h"
#include "daemon/dispatcher.h"
#include "daemon/service.h"
#include "net/control_server.h"
#include "net/http_server.h"
#include "net/open_when_free.h"
#include "server/admin_codec.h"
#include "server/host.h"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kJose = "application/jose";
constexpr auto kTick = std::chrono::seconds(1);
constexpr unsigned kTicksToServer = 30;

net::HttpResponse RetryLater(int status, unsigned seconds) {
  auto response = net::MakeText(status, "later");
  if (seconds > 0) response.fields.push_back({"Retry-After", std::to_string(seconds)});
  return response;
}

// ServerDaemon carries out what server::Server decides. All of it runs on one io_context and
// thread.
class ServerDaemon {
 public:
  ServerDaemon(asio::io_context& io, server::Host& host, Log& log)
      : io_(io),
        host_(host),
        log_(log),
        dispatcher_(io.get_executor(), host.server(), log),
        tick_(io.get_executor()) {}

  [[nodiscard]] Status Start() {
    const auto address = net::IpAddress::Parse(config().listen);
    if (!address) {
      return Fail(Code::kMalformed, "listen = \"" + config().listen + "\" is no address",
                  "edit " + host_.folder().ConfigPath().string());
    }
    net::HttpServerOptions options;
    options.address = *address;
    options.port = config().http_port;
    options.max_connections = 4'096;
    options.max_per_source = 256;
    options.idle_timeout = std::chrono::seconds(60);
    options.body_limit = wire::kMaxReportWithBundleLen;
    auto http = net::HttpServer::Listen(
        io_.get_executor(), options,
        [this](net::HttpRequest request) { return Answer(std::move(request)); });
    if (!http) return std::unexpected(std::move(http).error());
    http_ = std::make_unique<net::HttpServer>(*std::move(http));
    auto control = net::ControlServer::Listen(
        io_.get_executor(), {.folder = host_.folder().path()},
        [this](net::ControlMessage request,
               net::PeerUid peer) -> asio::awaitable<net::ControlMessage> {
          co_return Administer(std::move(request), peer);
        });
    if (!control) return std::unexpected(std::move(control).error());
    control_ = std::make_unique<net::ControlServer>(*std::move(control));
    asio::co_spawn(io_, dispatcher_.Run(), asio::detached);
    asio::co_spawn(io_, Tick(), asio::detached);
    log_.Write(LogLevel::kInfo,
               "serving agents at http://" + net::Endpoint{config().listen, http_->port()}.Text());
    return {};
  }

  void Reload() {
    const auto reloaded = host_.ReloadConfig(ReadClocks().wall);
    log_.Write(reloaded ? LogLevel::kInfo : LogLevel::kError,
               reloaded ? "configuration read anew" : reloaded.error().message);
  }

  asio::awaitable<void> Stop() {
    stopping_ = true;
    tick_.Wake();
    co_await control_->Stop();
    co_await dispatcher_.Stop();
    co_await http_->Stop();
  }

 private:
  [[nodiscard]] const store::ServerConfig& config() { return host_.server().config(); }

  asio::awaitable<net::HttpResponse> Answer(net::HttpRequest request) {
    const Instant now = ReadClocks().wall;
    if (request.path == "/countersign/v1/report") co_return TakeReport(request, now);
    if (request.path == "/countersign/v1/receipt") co_return TakeReceipt(request, now);
    if (request.path == "/countersign/v1/certificate") co_return GiveCertificate(request);
    co_return net::MakeText(404, "there is nothing here");
  }

  net::HttpResponse TakeReport(const net::HttpRequest& request, Instant now) {
    if (request.method != "POST") return net::MakeText(405, "POST a report");
    if (request.ContentType() != kJose) return net::MakeText(400, "application/jose is expected");
    auto answer = host_.server().TakeReport(request.body, request.source, now);
    if (answer.status == 429 || answer.status == 503) {
      return RetryLater(answer.status, answer.retry_after);
    }
    if (answer.status != 200) return net::MakeText(answer.status, "not taken");
    return {.status = 200,
            .content_type = std::string(kJose),
            .body = std::move(answer.reply),
            .fields = {{"Countersign-Nonce", answer.nonce}}};
  }

  net::HttpResponse TakeReceipt(const net::HttpRequest& request, Instant now) {
    if (request.method != "POST") return net::MakeText(405, "POST a receipt");
    if (request.ContentType() != kJose) return net::MakeText(400, "application/jose is expected");
    if (request.body.size() > wire::kMaxReceiptLen) return net::MakeText(413, "too large");
    const int status = host_.server().TakePostedReceipt(request.body, now);
    if (status == 204) return {.status = 204, .content_type = {}, .body = {}, .fields = {}};
    return status == 503 ? RetryLater(503, 60) : net::MakeText(status, "not taken");
  }

  net::HttpResponse GiveCertificate(const net::HttpRequest& request) {
    if (request.method != "GET") return net::MakeText(405, "GET the certificate");
    const auto* const active = host_.server().book().Active();
    if (active == nullptr) return net::MakeText(404, "this server has no certificate");
    return {.status = 200,
            .content_type = "application/pkix-cert",
            .body = std::string(AsText(active->certificate.der())),
            .fields = {{"Content-Disposition", "attachment; filename=\"OfcNTCer.dat\""}}};
  }

  net::ControlMessage Administer(net::ControlMessage request, net::PeerUid peer) {
    auto message = server::DecodeAdmin(std::move(request));
    if (!message) {
      return {R"({"ok":false,"code":"malformed","message":"no JSON object","next":""})", {}, {}};
    }
    auto answer = host_.admin().Handle(*message, UserOf(peer), ReadClocks().wall);
    dispatcher_.Wake();
    return server::EncodeAdmin(std::move(answer));
  }

  asio::awaitable<void> Tick() {
    for (unsigned tick = 0; !stopping_; ++tick) {
      server::Server& server = host_.server();
      if (tick % kTicksToServer == 0) server.Tick(ReadClocks().wall);
      if (server.rollout()) {
        server.AdvanceRollout(ReadClocks().wall);
        dispatcher_.Wake();
      }
      co_await tick_.Sleep(kTick);
    }
  }

  asio::io_context& io_;
  server::Host& host_;
  Log& log_;
  Dispatcher dispatcher_;
  Waker tick_;
  bool stopping_ = false;
  std::unique_ptr<net::HttpServer> http_;
  std::unique_ptr<net::ControlServer> control_;
};

}  // namespace

Status RunServer(const std::filesystem::path& folder, Log& log) {
  ForbidCoreDumps();
  COUNTERSIGN_RETURN_IF_ERROR(server::CheckServerFolder(folder));
  COUNTERSIGN_RETURN_IF_ERROR(BecomeOwnerOf(folder));
  auto host =
      net::OpenWhenFree(folder, [&] { return server::Host::Open(folder, log, ReadClocks().wall); });
  if (!host) return std::unexpected(std::move(host).error());
  asio::io_context io(1);
  ServerDaemon daemon(io, **host, log);
  COUNTERSIGN_RETURN_IF_ERROR(daemon.Start());
  RunUntilStopped(io, {.reload = [&] { daemon.Reload(); }, .stop = [&] { return daemon.Stop(); }},
                  log);
  return {};
}

}  // namespace countersign::daemon
