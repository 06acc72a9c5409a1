#include "daemon/server_daemon.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <charconv>
#include <memory>
#include <utility>

#include "base/process.h"
#include "base/user.h"
#include "daemon/dispatcher.h"
#include "daemon/known_sources.h"
#include "daemon/long_poll.h"
#include "daemon/service.h"
#include "net/control_server.h"
#include "net/http_server.h"
#include "net/open_when_free.h"
#include "net/or_end_process.h"
#include "server/admin_codec.h"
#include "server/host.h"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kJose = "application/jose";
constexpr auto kTick = std::chrono::seconds(1);
constexpr unsigned kTicksToServer = 30;
constexpr std::size_t kDescriptors = 131'072;
constexpr std::size_t kMaxConnections = 4'096;  // on each port, beside those of waiting agents

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
        long_poll_(io.get_executor(), host.server()),
        tick_(io.get_executor()) {}

  [[nodiscard]] Status Start() {
    LimitWaiting();
    const auto address = net::IpAddress::Parse(config().listen);
    if (!address) {
      return Fail(Code::kMalformed, "listen = \"" + config().listen + "\" is no address",
                  "edit " + host_.folder().ConfigPath().string());
    }
    COUNTERSIGN_RETURN_IF_ERROR(ListenForAgents(*address));
    auto control = net::ControlServer::Listen(
        io_.get_executor(), {.folder = host_.folder().path()},
        [this](net::ControlMessage request,
               net::PeerUid peer) -> asio::awaitable<net::ControlMessage> {
          co_return Administer(std::move(request), peer);
        });
    if (!control) return std::unexpected(std::move(control).error());
    control_ = std::make_unique<net::ControlServer>(*std::move(control));
    asio::co_spawn(io_, dispatcher_.Run(), net::OrEndProcess());
    asio::co_spawn(io_, Tick(), net::OrEndProcess());
    return {};
  }

  void Reload() {
    const auto reloaded = host_.ReloadConfig(ReadClocks().wall);
    LimitWaiting();
    log_.Write(reloaded ? LogLevel::kInfo : LogLevel::kError,
               reloaded ? "configuration read anew" : reloaded.error().message);
  }

  asio::awaitable<void> Stop() {
    stopping_ = true;
    tick_.Wake();
    long_poll_.Stop();
    co_await control_->Stop();
    co_await dispatcher_.Stop();
    if (http_) co_await http_->Stop();
    if (https_) co_await https_->Stop();
  }

 private:
  // Each waiting agent holds a descriptor, and must leave enough to the others.
  void LimitWaiting() {
    const std::size_t others = std::min(3 * kMaxConnections, descriptors_ / 2);
    host_.server().waiting().SetLimits(
        std::min<std::size_t>(config().max_waiting, descriptors_ - others),
        config().max_waiting_per_source);
  }

  [[nodiscard]] Status ListenForAgents(const net::IpAddress& address) {
    if (config().http) {
      auto http = Listen(address, config().http_port, std::nullopt);
      if (!http) return std::unexpected(std::move(http).error());
      http_ = *std::move(http);
    }
    const auto* const web_host = host_.web_host();
    if (!config().https) return {};
    if (web_host != nullptr) {
      auto https = Listen(address, config().https_port, web_host->context());
      if (!https) return std::unexpected(std::move(https).error());
      https_ = *std::move(https);
      web_changes_ = web_host->changes();
    } else if (!config().http) {
      return Fail(Code::kUnavailable,
                  "there is neither HTTP nor a key for HTTPS: no agent could be served");
    }
    return {};
  }

  [[nodiscard]] Result<std::unique_ptr<net::HttpServer>> Listen(
      const net::IpAddress& address, std::uint16_t port, std::optional<crypto::TlsContext> tls) {
    const std::string scheme = tls ? "https" : "http";
    net::HttpServerOptions options;
    options.address = address;
    options.port = port;
    options.max_connections = kMaxConnections;
    options.max_per_source = 256;
    options.reserved = kMaxConnections / 4;
    options.is_known = [this](const net::IpAddress& source) {
      return known_.Contains(source, KnownSources::Clock::now());
    };
    options.tls = std::move(tls);
    options.idle_timeout = std::chrono::seconds(60);
    options.body_limit = wire::kMaxReportWithBundleLen;
    auto server = net::HttpServer::Listen(
        io_.get_executor(), options,
        [this](net::HttpRequest request) { return Answer(std::move(request)); });
    if (!server) return std::unexpected(std::move(server).error());
    log_.Write(LogLevel::kInfo, "serving agents at " + scheme + "://" +
                                    net::Endpoint{config().listen, server->port()}.Text());
    return std::make_unique<net::HttpServer>(*std::move(server));
  }

  // The key and certificate for TLS may have been replaced.
  void RefreshTls() {
    const auto* const web_host = host_.web_host();
    if (!https_ || web_host == nullptr || web_host->changes() == web_changes_) return;
    web_changes_ = web_host->changes();
    https_->set_tls(web_host->context());
  }

  [[nodiscard]] const store::ServerConfig& config() { return host_.server().config(); }

  asio::awaitable<net::HttpResponse> Answer(net::HttpRequest request) {
    const Instant now = ReadClocks().wall;
    if (request.path == "/countersign/v1/report") {
      co_return co_await TakeReport(std::move(request), now);
    }
    if (request.path == "/countersign/v1/receipt") co_return TakeReceipt(request, now);
    if (request.path == "/countersign/v1/certificate") co_return GiveCertificate(request);
    co_return net::MakeText(404, "there is nothing here");
  }

  asio::awaitable<net::HttpResponse> TakeReport(net::HttpRequest request, Instant now) {
    if (request.method != "POST") co_return net::MakeText(405, "POST a report");
    if (request.ContentType() != kJose) {
      co_return net::MakeText(400, "application/jose is expected");
    }
    const auto asked = AskedOf(request);
    if (!asked) {
      co_return net::MakeText(400, "wait is from 1 to 240 seconds, and orders is \"later\"");
    }
    auto answer =
        host_.server().TakeReport(request.body, request.source, now, asked->wait, asked->orders);
    if (answer.proved) known_.Add(request.source, KnownSources::Clock::now());
    if (answer.held) {
      // What waits for minutes keeps nothing that it does not need.
      request.body = {};
      request.fields = {};
      server::HeldReport held = *std::move(answer.held);
      answer.held.reset();
      answer =
          co_await long_poll_.Hold(std::move(held), *request.peer, request.source, asked->wait);
    }
    co_return Shown(std::move(answer));
  }

  // Asked is what a query asks of the reply.
  struct Asked {
    Seconds wait = Seconds(0);
    server::Orders orders = server::Orders::kGiven;
  };

  // AskedOf reads `?wait=` and `?orders=later`; nothing if the query is another.
  [[nodiscard]] static std::optional<Asked> AskedOf(const net::HttpRequest& request) {
    Asked asked;
    if (request.query.empty()) return asked;
    const auto orders = request.QueryValue("orders");
    if (orders && *orders != "later") return std::nullopt;
    if (orders) asked.orders = server::Orders::kLater;
    const auto text = request.QueryValue("wait");
    if (!text) return orders ? std::optional(asked) : std::nullopt;
    std::uint64_t seconds = 0;
    const char* const end = text->data() + text->size();
    const auto [at, error] = std::from_chars(text->data(), end, seconds);
    if (error != std::errc() || at != end || seconds < 1 || seconds > wire::kMaxWait) {
      return std::nullopt;
    }
    asked.wait = Seconds(seconds);
    return asked;
  }

  [[nodiscard]] static net::HttpResponse Shown(server::ReportAnswer answer) {
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
    RefreshTls();
    dispatcher_.Wake();
    return server::EncodeAdmin(std::move(answer));
  }

  asio::awaitable<void> Tick() {
    for (unsigned tick = 0; !stopping_; ++tick) {
      server::Server& server = host_.server();
      if (tick % kTicksToServer == 0) {
        server.Tick(ReadClocks().wall);
        host_.RenewWebHost(log_, ReadClocks().wall);
        RefreshTls();
      }
      server.AdvanceMove(ReadClocks().wall);
      server.AdvanceUnload(ReadClocks().wall);
      if (server.rollout()) {
        server.AdvanceRollout(ReadClocks().wall);
        dispatcher_.Wake();
      }
      long_poll_.Tick();
      co_await tick_.Sleep(kTick);
    }
  }

  asio::io_context& io_;
  server::Host& host_;
  Log& log_;
  Dispatcher dispatcher_;
  LongPoll long_poll_;
  Waker tick_;
  const std::size_t descriptors_ = AllowDescriptors(kDescriptors);
  bool stopping_ = false;
  KnownSources known_;
  std::unique_ptr<net::HttpServer> http_;
  std::unique_ptr<net::HttpServer> https_;
  std::uint64_t web_changes_ = 0;  // WebHost::changes of what https_ uses
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
  (void)RunUntilStopped(
      io, {.reload = [&] { daemon.Reload(); }, .stop = [&] { return daemon.Stop(); }}, log);
  return {};
}

}  // namespace countersign::daemon
