#include "daemon/transfer.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "daemon/farewell.h"
#include "daemon/server_call.h"
#include "mover/target_exchange.h"
#include "net/http_server.h"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;

using mover::Transfer;

constexpr auto kBetweenTries = std::chrono::seconds(1);
constexpr char kLookAtPlace[] =
    "look at the name and the ports (IpXfer: after -s, -p and -sp; install: in package.toml)";

std::string PlaceText(const store::AgentConfig& config) {
  return net::Endpoint{config.server_host, config.tls ? config.https_port : config.http_port}
             .Text() +
         (config.tls ? " (HTTPS)" : "");
}

TransferOutcome End(TransferEnd end, const Transfer& transfer, std::string why,
                    std::string next = {}) {
  TransferOutcome outcome;
  outcome.end = end;
  outcome.kind = transfer.kind;
  outcome.why = std::move(why);
  outcome.next = std::move(next);
  return outcome;
}

// The agent would listen nowhere: found out before anything is changed.
Status CheckPort(const Transfer& transfer) {
  const auto& config = transfer.config;
  if (config.listen_port == transfer.now.listen_port) return {};
  const auto address = net::IpAddress::Parse(config.listen);
  if (!address) return {};  // the agent did not start with it either
  asio::io_context io(1);
  net::HttpServerOptions options;
  options.address = *address;
  options.port = config.listen_port;
  const auto tried = net::HttpServer::Listen(
      io.get_executor(), options, [](net::HttpRequest) -> asio::awaitable<net::HttpResponse> {
        co_return net::MakeText(404, "nothing here");
      });
  if (tried) return {};
  return Fail(tried.error().code,
              "the agent cannot listen on the port after -c: " + tried.error().message,
              "choose another port with -c");
}

TransferOutcome NoAnswer(const Transfer& transfer, const Error& error) {
  if (error.code == Code::kMalformed) {
    return End(TransferEnd::kNotTaken, transfer,
               "what answers at " + PlaceText(transfer.config) +
                   " is no Countersign server: " + error.message,
               kLookAtPlace);
  }
  return End(TransferEnd::kUnreachable, transfer,
             "no server answers at " + PlaceText(transfer.config) + ": " + error.message,
             "look at the name and the ports, and whether the server runs");
}

TransferOutcome NotTaken(const Transfer& transfer, const net::HttpResponse& answer) {
  const std::string place = PlaceText(transfer.config);
  switch (answer.status) {
    case 403:
      return End(TransferEnd::kNotTaken, transfer,
                 "the server at " + place + " refuses the key of this agent: it was forgotten",
                 "countersign-agentd install (with an empty folder) makes a new agent");
    case 429:
      return End(TransferEnd::kNotTaken, transfer,
                 "the server at " + place + " takes no more new agents for now",
                 "try again in a minute; the limits are max_unadmitted and "
                 "max_unadmitted_per_minute in its countersign.toml");
    default:
      break;
  }
  return End(TransferEnd::kNotTaken, transfer,
             "what answers at " + place + " is no Countersign server, or is in trouble: HTTP " +
                 std::to_string(answer.status),
             kLookAtPlace);
}

TransferOutcome OtherKey(const Transfer& transfer, trust::Verdict verdict) {
  return End(TransferEnd::kOtherKey, transfer,
             "the server at " + PlaceText(transfer.config) +
                 " did not prove that it has the key of this certificate: " +
                 std::string(VerdictName(verdict)),
             "take OfcNTCer.dat from that very server "
             "(PCCSRV/Pccnt/Common/OfcNTCer.dat), or look at the address after -s");
}

// Commit does the one step; `outcome` is what is told if it succeeds.
TransferOutcome Commit(const AgentInUse& use, const Transfer& transfer,
                       const trust::TrustState& proved, TransferOutcome outcome) {
  if (use.agent.trust() != transfer.held) {
    return End(TransferEnd::kFailed, transfer,
               "the agent has taken over another certificate of its server meanwhile",
               "the same once more");
  }
  const auto adopt = [&](const trust::TrustState& state) {
    return use.agent.AdoptTrust(state, ReadClocks());
  };
  auto committed = mover::CommitTransfer(*use.installation.folder, transfer, proved, adopt);
  if (!committed) {
    return End(TransferEnd::kFailed, transfer, committed.error().message, committed.error().next);
  }
  outcome.unfinished = std::move(committed->unfinished);
  // From here on the agent speaks as what it will be after it has read its folder anew.
  use.installation.config = transfer.config;
  use.installation.profile = agent::ProfileOf(transfer.config);
  return outcome;
}

// Prove has the exchange by which the target knows that the agent is there and holds what it says.
// Whether it succeeded: the agent's own reports would do it, too.
asio::awaitable<bool> Prove(const AgentInUse& use, mover::TargetExchange& exchange, Nonce nonce,
                            TransferOutcome& outcome) {
  const auto report =
      exchange.MakeReport(use.agent.counters(), use.agent.instance(), ReadClocks(), nonce);
  if (!report) co_return false;
  const auto answer = co_await PostReportInPlace(use.installation.config, *report);
  if (!answer || answer->status != 200) co_return false;
  const auto proof = exchange.TakeReply(answer->body, use.installation.distrust, ReadClocks());
  if (proof.refused) co_return false;
  outcome.accepted = proof.accepted;
  co_return true;
}

asio::awaitable<void> ProveWithin(const AgentInUse& use, const Nonce& nonce, Uptime wait,
                                  TransferOutcome& outcome) {
  mover::TargetExchange exchange(use.agent.trust(), use.installation.profile, use.installation.key,
                                 use.random);
  const Uptime until = ReadClocks().boot + wait;
  for (;;) {
    outcome.proved = co_await Prove(use, exchange, nonce, outcome);
    if (outcome.proved || ReadClocks().boot >= until) co_return;
    asio::steady_timer pause(co_await asio::this_coro::executor);
    pause.expires_after(kBetweenTries);
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

// Without proof the target may not say yet that it admits an agent that comes back to it.
std::string NextAfter(const TransferOutcome& done, const AgentId& agent) {
  const std::string approve = "countersign agents approve " + agent.Text();
  if (done.proved) return done.accepted ? "" : "on that server: " + approve;
  return "countersign-agentd check" +
         (done.accepted ? "" : "; if that server lists the agent as new, there: " + approve);
}

}  // namespace

asio::awaitable<TransferOutcome> CarryOut(AgentInUse use, const Transfer& transfer,
                                          bool need_accepted, Uptime wait) {
  if (const auto port = CheckPort(transfer); !port) {
    co_return End(TransferEnd::kFailed, transfer, port.error().message, port.error().next);
  }
  mover::TargetExchange exchange(transfer.to_be, agent::ProfileOf(transfer.config),
                                 use.installation.key, use.random);
  const auto report = exchange.MakeReport(use.agent.counters(), use.agent.instance(), ReadClocks());
  if (!report) {
    co_return End(TransferEnd::kFailed, transfer, report.error().message, report.error().next);
  }
  const auto answer = co_await PostReport(transfer.config, *report);
  if (!answer) co_return NoAnswer(transfer, answer.error());
  if (answer->status != 200) co_return NotTaken(transfer, *answer);
  const auto proof = exchange.TakeReply(answer->body, use.installation.distrust, ReadClocks());
  if (const auto& why = proof.refused; why) co_return OtherKey(transfer, *why);
  if (need_accepted && proof.expired) {
    co_return OtherKey(transfer, trust::Verdict::kCertificateExpired);
  }
  if (need_accepted && !proof.accepted) {
    co_return End(TransferEnd::kNotTaken, transfer,
                  "the target does not expect this agent, and does not admit it",
                  "countersign move expect (on the target)");
  }
  TransferOutcome done = End(
      TransferEnd::kDone, transfer,
      "the server at " + PlaceText(transfer.config) + " answered with the key of this certificate");
  done.accepted = proof.accepted;
  done = Commit(use, transfer, *proof.state, std::move(done));
  if (done.end != TransferEnd::kDone) co_return done;
  use.log.Write(LogLevel::kInfo, std::string(mover::KindName(transfer.kind)) +
                                     " done: this agent belongs to " + PlaceText(transfer.config) +
                                     " (" + use.agent.trust().server.Text() + ")");
  co_await ProveWithin(use, proof.nonce, wait, done);
  done.next = NextAfter(done, use.agent.id());
  if (transfer.kind == Transfer::Kind::kMove) done.old_told = co_await TellFormer(use);
  co_return done;
}

asio::awaitable<Result<crypto::Certificate>> FetchCertificate(const store::AgentConfig& config) {
  const auto answer = co_await CallServer(config, "GET", "/countersign/v1/certificate");
  if (!answer) co_return std::unexpected(answer.error());
  if (answer->status != 200) {
    co_return Fail(Code::kMalformed, "it answers with HTTP " + std::to_string(answer->status));
  }
  co_return crypto::Certificate::Parse(AsBytes(answer->body));
}

asio::awaitable<TransferOutcome> TryOut(const Transfer& transfer) {
  if (const auto port = CheckPort(transfer); !port) {
    co_return End(TransferEnd::kFailed, transfer, port.error().message, port.error().next);
  }
  const auto certificate = co_await FetchCertificate(transfer.config);
  if (!certificate) co_return NoAnswer(transfer, certificate.error());
  const auto shown = trust::FirstTrust(*certificate, nullptr);
  const bool fits = certificate->thumbprint() == transfer.to_be.certificate.thumbprint() ||
                    (shown && shown->owner == transfer.to_be.owner &&
                     certificate->thumbprint() != transfer.to_be.certificate.thumbprint() &&
                     shown->generation > transfer.to_be.generation);
  if (!fits) co_return OtherKey(transfer, trust::Verdict::kUnknownKey);
  TransferOutcome outcome =
      End(TransferEnd::kDone, transfer,
          "the server at " + PlaceText(transfer.config) +
              " answers and shows this certificate or a newer one of the same owner; its key is "
              "proved only by the move itself");
  const auto old = co_await FetchCertificate(transfer.now);
  if (!old && transfer.kind == Transfer::Kind::kMove) {
    outcome.next =
        "the present server does not answer (" + old.error().message + "): it would be told later";
  }
  co_return outcome;
}

std::string_view EndName(TransferEnd end) {
  switch (end) {
    case TransferEnd::kDone:
      return "done";
    case TransferEnd::kUnreachable:
      return "unreachable";
    case TransferEnd::kNotTaken:
      return "not-taken";
    case TransferEnd::kOtherKey:
      return "other-key";
    case TransferEnd::kFailed:
      break;
  }
  return "failed";
}

}  // namespace countersign::daemon
