#include "daemon/agent_daemon.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <memory>
#include <utility>

#include "base/process.h"
#include "crypto/hash.h"
#include "crypto/tls_certificate.h"
#include "daemon/agent_control.h"
#include "daemon/farewell.h"
#include "daemon/local_policy.h"
#include "daemon/reporter.h"
#include "daemon/service.h"
#include "daemon/service_control.h"
#include "daemon/tasks.h"
#include "net/control_server.h"
#include "net/http_server.h"
#include "net/open_when_free.h"
#include "net/or_end_process.h"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kJose = "application/jose";
constexpr std::size_t kForServer = 8;  // connections that only the server gets
constexpr auto kWatch = std::chrono::seconds(30);

net::HttpResponse Ok(std::string_view content_type, std::string body) {
  return {.status = 200,
          .content_type = std::string(content_type),
          .body = std::move(body),
          .fields = {}};
}

// AgentDaemon carries out what agent::Agent decides. All of it runs on one io_context and thread.
class AgentDaemon {
 public:
  AgentDaemon(asio::io_context& io, agent::Installation& installation, agent::Agent& agent,
              RandomSource& random, Log& log)
      : io_(io),
        installation_(installation),
        agent_(agent),
        log_(log),
        reporter_(io.get_executor(), agent, installation.folder->path(), installation.config, log),
        tasks_(io.get_executor(), {installation, agent, random, log}, reporter_),
        farewells_(io.get_executor(), {installation, agent, random, log}),
        watch_(io.get_executor()),
        control_handler_(installation, agent, reporter_, random, log, [this] { BeginAnew(); }) {}

  [[nodiscard]] Status Start() {
    const auto& config = installation_.config;
    const auto address = net::IpAddress::Parse(config.listen);
    if (!address) {
      return Fail(Code::kMalformed, "listen = \"" + config.listen + "\" is no address",
                  "edit " + (installation_.folder->path() / "agent.toml").string());
    }
    net::HttpServerOptions options;
    options.address = *address;
    options.port = config.listen_port;
    options.body_limit = wire::kMaxOrderWithBundleLen;
    options.reserved = kForServer;
    options.is_known = [this](const net::IpAddress& source) {
      return reporter_.server_address() == source;
    };
    if (config.tls) {
      auto tls = ListenerTls();
      if (!tls) return std::unexpected(std::move(tls).error());
      options.tls = *std::move(tls);
    }
    auto http = net::HttpServer::Listen(
        io_.get_executor(), options,
        [this](net::HttpRequest request) { return Answer(std::move(request)); });
    if (!http) return std::unexpected(std::move(http).error());
    http_ = std::make_unique<net::HttpServer>(*std::move(http));
    auto control =
        net::ControlServer::Listen(io_.get_executor(), {.folder = installation_.folder->path()},
                                   [this](net::ControlMessage request, net::PeerUid) {
                                     return control_handler_.Handle(std::move(request));
                                   });
    if (!control) return std::unexpected(std::move(control).error());
    control_ = std::make_unique<net::ControlServer>(*std::move(control));
    LoadLocalPolicy(agent_, log_);
    reporter_.AfterReply([this] { tasks_.Look(); });
    asio::co_spawn(io_, reporter_.Run(), net::OrEndProcess());
    asio::co_spawn(io_, farewells_.Run(), net::OrEndProcess());
    asio::co_spawn(io_, WatchCertificateFile(), net::OrEndProcess());
    log_.Write(LogLevel::kInfo, "agent " + agent_.id().Text() + " listens at " +
                                    net::Endpoint{config.listen, http_->port()}.Text() +
                                    (config.tls ? " with TLS" : " without TLS") + " and obeys " +
                                    agent_.trust().server.Text());
    return {};
  }

  void Reload() {
    LoadLocalPolicy(agent_, log_);
    const auto reloaded = ReloadSettings(installation_, agent_);
    if (!reloaded) {
      log_.Write(LogLevel::kError, "the settings stay as they were: " + reloaded.error().message);
      return;
    }
    log_.Write(LogLevel::kInfo, "policy read anew; " + *reloaded);
    reporter_.Wake();
  }
  // BeginAnew ends this daemon after the answers under way, and lets it read its folder anew.
  void BeginAnew() {
    if (stopping_) return;
    begins_anew_ = true;
    std::raise(SIGTERM);
  }
  // Whether this process is to go on as its program anew: an order wants it, or a move was made.
  [[nodiscard]] bool restarting() const { return tasks_.restarting() || begins_anew_; }

  asio::awaitable<void> Stop() {
    stopping_ = true;
    watch_.Wake();
    tasks_.Stop();
    farewells_.Stop();
    reporter_.Stop();
    co_await control_->Stop();
    co_await http_->Stop();
    if (const auto saved = agent_.Save(); !saved) {
      log_.Write(LogLevel::kError, saved.error().message);
    }
    if (const auto anchored = installation_.unload.Anchor(ReadClocks()); !anchored) {
      log_.Write(LogLevel::kError, anchored.error().message);
    }
  }

 private:
  // The server looks at the key only, so the certificate says nothing else, and never expires.
  [[nodiscard]] Result<crypto::TlsContext> ListenerTls() const {
    crypto::TlsCertificateRequest request;
    request.common_name = "Countersign agent " + agent_.id().Text();
    const Digest& digest = installation_.key.public_key().digest();
    std::copy_n(digest.begin(), request.serial_random.size(), request.serial_random.begin());
    const auto certificate = crypto::MakeTlsCertificate(request, installation_.key);
    if (!certificate) return std::unexpected(certificate.error());
    const std::vector<Bytes> chain = {certificate->der()};
    return crypto::TlsContext::ForServer(installation_.key, chain);
  }

  // OfcNTCer.dat is an output (protocol section 3): what somebody puts there is put back, and said.
  asio::awaitable<void> WatchCertificateFile() {
    while (!stopping_) {
      const auto restored = installation_.folder->RestoreCertificateFile(agent_.trust());
      if (!restored) {
        log_.Write(LogLevel::kError, restored.error().message);
      } else if (*restored) {
        log_.Write(LogLevel::kWarning,
                   "OfcNTCer.dat was not the certificate that this agent trusts, and was put back; "
                   "IpXfer -e FILE changes what it trusts");
      }
      co_await watch_.Sleep(kWatch);
    }
  }

  asio::awaitable<net::HttpResponse> Answer(net::HttpRequest request) {
    if (request.path == "/countersign/v1/challenge" && request.method == "GET") {
      co_return Ok("application/json",
                   wire::FormatChallengeAnswer(agent_.DrawChallenge(ReadClocks())));
    }
    if (request.path == "/countersign/v1/alive" && request.method == "GET") {
      co_return net::MakeText(200, "alive");
    }
    if (request.path != "/countersign/v1/order") co_return net::MakeText(404, "nothing here");
    if (request.method != "POST") co_return net::MakeText(405, "POST an order");
    if (request.body.empty() || request.ContentType() != kJose) {
      co_return net::MakeText(400, "an order as application/jose is expected");
    }
    co_return co_await TakeOrder(std::move(request));
  }

  asio::awaitable<net::HttpResponse> TakeOrder(net::HttpRequest request) {
    auto answer = agent_.TakeOrder(request.body, request.source.SourceKey(), ReadClocks());
    reporter_.Wake();
    tasks_.Look();
    if (answer.pending) {
      auto receipt = co_await AwaitReceipt(*answer.pending);
      if (!receipt) co_return net::MakeText(503, "no receipt can be signed");
      answer.receipt = *std::move(receipt);
    }
    if (answer.status != 200) {
      auto response = net::MakeText(answer.status, "later");
      if (answer.retry_after > 0) {
        response.fields.push_back({"Retry-After", std::to_string(answer.retry_after)});
      }
      co_return response;
    }
    co_return Ok(kJose, std::move(answer.receipt));
  }

  // An act that takes time is answered when it has ended, or with `running` after 20 s.
  asio::awaitable<std::optional<std::string>> AwaitReceipt(Jti jti) {
    const Uptime until = ReadClocks().boot + agent::Agent::kAnswerWithin;
    for (;;) {
      if (auto receipt = agent_.PendingReceipt(jti, ReadClocks())) co_return receipt;
      const auto left = until - ReadClocks().boot;
      if (left <= Uptime(0)) co_return agent_.RunningReceipt(jti, ReadClocks());
      co_await reporter_.NextAnswer(left);
    }
  }

  asio::io_context& io_;
  agent::Installation& installation_;
  agent::Agent& agent_;
  Log& log_;
  Reporter reporter_;
  Tasks tasks_;
  Farewells farewells_;
  Waker watch_;
  bool stopping_ = false;
  bool begins_anew_ = false;
  AgentControl control_handler_;
  std::unique_ptr<net::HttpServer> http_;
  std::unique_ptr<net::ControlServer> control_;
};

// RunOnce runs the agent until it is told to stop; whether it is to go on as its program anew.
Result<bool> RunOnce(const std::filesystem::path& folder, Log& log) {
  auto installation = net::OpenWhenFree(folder, [&] { return agent::Installation::Open(folder); });
  if (!installation) return std::unexpected(std::move(installation).error());
  crypto::SystemRandom random;
  auto agent = agent::Agent::Create({*installation->folder, installation->key, random, log,
                                     installation->distrust, &installation->unload},
                                    installation->profile, ReadClocks());
  if (!agent) return std::unexpected(std::move(agent).error());
  if (const auto anchored = installation->unload.Anchor(ReadClocks()); !anchored) {
    log.Write(LogLevel::kError, anchored.error().message);
  }
  asio::io_context io(1);
  AgentDaemon daemon(io, *installation, **agent, random, log);
  COUNTERSIGN_RETURN_IF_ERROR(daemon.Start());
  return RunUntilStopped(io,
                         {.reload = [&] { daemon.Reload(); },
                          .stop = [&] { return daemon.Stop(); },
                          .goes_on = [&] { return daemon.restarting(); }},
                         log);
}

}  // namespace

Status RunAgent(const std::filesystem::path& folder, Log& log) {
  for (;;) {
    ForbidCoreDumps();
    const auto again = RunOnce(folder, log);
    if (!again) return std::unexpected(again.error());
    if (!*again) return {};
    // Only if that fails it comes back: an order cannot end the agent, so it begins again here.
    log.Write(LogLevel::kWarning, ExecuteAnew().message + "; the same process goes on");
  }
}

}  // namespace countersign::daemon
