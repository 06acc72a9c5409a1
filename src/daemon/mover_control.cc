#include "daemon/mover_control.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "agent/present.h"
#include "base/encoding.h"
#include "crypto/hash.h"
#include "daemon/mover_certificate.h"
#include "daemon/mover_request.h"
#include "daemon/reporter.h"
#include "daemon/unload_control.h"
#include "net/open_when_free.h"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

json::object SideJson(const store::AgentConfig& config, const ServerId& server) {
  return {{"server", server.Text()},
          {"host", config.server_host},
          {"http_port", config.http_port},
          {"https_port", config.https_port},
          {"listen_port", config.listen_port},
          {"domain", config.domain},
          {"tls", config.tls}};
}

std::string_view ResultWord(const TransferOutcome& outcome, bool dry_run) {
  if (outcome.end != TransferEnd::kDone) return EndName(outcome.end);
  const bool repair = outcome.kind == mover::Transfer::Kind::kRepair;
  if (dry_run) return repair ? "would-repair" : "would-move";
  return repair ? "repaired" : "moved";
}

json::object AnswerJson(const AgentInUse& use, const TransferOutcome& outcome, bool dry_run) {
  auto answer = agent::RenewalJson(ResultWord(outcome, dry_run), outcome.why, use.agent.trust());
  answer["next"] = outcome.next;
  answer["agent"] = use.agent.id().Text();
  answer["accepted"] = outcome.accepted;
  answer["proved"] = outcome.proved;
  answer["old_told"] = outcome.old_told;
  answer["unfinished"] = outcome.unfinished;
  return answer;
}

// Unlocked is how the unload password was passed: the trust state that follows keeps a warrant as
// used up. Nothing is if none is set.
struct Unlocked {
  bool passed = false;
  std::optional<trust::SpentWarrant> spent;

  [[nodiscard]] Result<trust::TrustState> Keep(trust::TrustState state) const {
    if (!spent) return state;
    return trust::WithSpent(std::move(state), *spent, ReadClocks().wall);
  }
};

Result<Unlocked> Unlock(const AgentInUse& use, const net::ControlMessage& message,
                        const json::object& object) {
  auto& lock = use.installation.unload;
  if (!lock.is_set()) return Unlocked();
  const auto key = UnloadKeyOf(message, object);
  auto passed = lock.Pass(key, use.agent.trust(), use.agent.id(), ReadClocks());
  if (!passed) {
    use.log.Write(LogLevel::kWarning, "unload password not passed: " + passed.error().message);
    return std::unexpected(std::move(passed).error());
  }
  const auto& spent = passed->spent;
  if (spent) {
    use.log.Write(LogLevel::kWarning,
                  "the owner's warrant " + spent->jti.Text() + " passed the unload password");
  }
  return Unlocked{true, spent};
}

// Told apart from any other refusal, for the exit code.
std::string NotUnlocked(const Error& error) {
  return json::serialize(json::object{{"ok", false},
                                      {"code", CodeName(error.code)},
                                      {"message", error.message},
                                      {"next", error.next},
                                      {"unload", true}});
}

Result<mover::Transfer> Plan(const AgentInUse& use, const MoveRequest& request,
                             const crypto::Certificate& certificate, const Unlocked& unlocked) {
  auto trusted = trust::FirstTrust(certificate, &use.agent.trust());
  if (!trusted) return std::unexpected(std::move(trusted).error());
  auto to_be = unlocked.Keep(*std::move(trusted));
  if (!to_be) return std::unexpected(std::move(to_be).error());
  // As it is on the disk: an administrator may have changed it since the agent began.
  const auto config = agent::ReadAgentConfig(use.installation.folder->path());
  if (!config) return std::unexpected(config.error());
  return mover::PlanTransfer(request.place, *config, use.agent.trust(), *std::move(to_be));
}

MoveAnswer WithoutCertificate(const AgentInUse& use, const GivenCertificate& given, bool unlocked) {
  auto answer = AnswerJson(use, {}, false);
  answer["result"] = given.result;
  answer["why"] = given.why;
  answer["next"] = given.next;
  answer["unload_passed"] = unlocked;
  return {json::serialize(answer), false};
}

}  // namespace

asio::awaitable<Result<std::string>> RenewByHand(AgentInUse use,
                                                 const net::ControlMessage& message) {
  const auto object = RequestObject(message);
  if (!object) co_return std::unexpected(object.error());
  if (message.blobs.size() != 1) {
    co_return Fail(Code::kUsage, "a request to renew has exactly one certificate");
  }
  const auto unlocked = Unlock(use, message, *object);
  if (!unlocked) co_return NotUnlocked(unlocked.error());
  const auto certificate = crypto::Certificate::Parse(message.blobs.front());
  if (!certificate) co_return std::unexpected(certificate.error());
  const trust::TrustState held = use.agent.trust();
  auto renewal = mover::Renewal::Begin(held, *certificate, use.installation.profile,
                                       use.installation.key, use.random);
  if (!renewal) co_return std::unexpected(std::move(renewal).error());
  auto outcome = co_await Renew(**renewal, use.agent.counters(), use.agent.instance(),
                                use.installation.config, use.installation.distrust);
  const auto* const verify = object->if_contains("verify");
  outcome = mover::Decide(std::move(outcome), **renewal, verify == nullptr || *verify != false);
  if (outcome.state) {
    // What came in between would be forgotten: another certificate, a warrant that was used up.
    if (use.agent.trust() != held) {
      co_return Fail(Code::kUnavailable,
                     "the agent's trust has changed meanwhile; nothing was done",
                     "the same once more");
    }
    const auto state = unlocked->Keep(*outcome.state);
    if (!state) co_return std::unexpected(state.error());
    const auto adopted = use.agent.AdoptTrust(*state, ReadClocks());
    if (!adopted) co_return std::unexpected(adopted.error());
  }
  use.log.Write(LogLevel::kInfo, (outcome.state ? "trust renewed by local authority: "
                                                : "trust not renewed by local authority: ") +
                                     outcome.why);
  auto answer =
      agent::RenewalJson(mover::ResultName(outcome.result), outcome.why, use.agent.trust());
  answer["next"] = outcome.next;
  answer["unload_passed"] = unlocked->passed;
  co_return json::serialize(answer);
}

asio::awaitable<Result<MoveAnswer>> MoveByHand(AgentInUse use, const net::ControlMessage& message) {
  const auto object = RequestObject(message);
  if (!object) co_return std::unexpected(object.error());
  const auto request = ReadMoveRequest(message, *object);
  if (!request) co_return std::unexpected(request.error());
  Unlocked unlocked;
  if (!request->dry_run) {  // which changes nothing
    auto passed = Unlock(use, message, *object);
    if (!passed) {
      MoveAnswer refused;
      refused.json = NotUnlocked(passed.error());
      co_return refused;
    }
    unlocked = *std::move(passed);
  }
  auto given = co_await GetCertificate(*request, message, use.installation.config);
  if (!given.certificate && given.result.empty()) {
    co_return Fail(Code::kMalformed, std::move(given).why);
  }
  if (!given.certificate) co_return WithoutCertificate(use, given, unlocked.passed);
  const auto transfer = Plan(use, *request, *given.certificate, unlocked);
  if (!transfer) co_return std::unexpected(transfer.error());
  TransferOutcome outcome;
  if (request->dry_run) {
    outcome = co_await TryOut(*transfer);
  } else {
    outcome = co_await CarryOut(use, *transfer, /*need_accepted=*/false, request->wait);
  }
  auto answer = AnswerJson(use, outcome, request->dry_run);
  answer["from"] = SideJson(transfer->now, transfer->held.server);
  answer["to"] = SideJson(transfer->config, transfer->to_be.server);
  answer["thumbprint"] = HexLower(given.certificate->thumbprint());
  answer["unload_passed"] = unlocked.passed;
  MoveAnswer done;
  done.json = json::serialize(answer);
  done.begin_anew = !request->dry_run && outcome.end == TransferEnd::kDone;
  co_return done;
}

namespace {

asio::awaitable<Result<std::string>> Either(AgentInUse use, const net::ControlMessage& message) {
  const auto object = RequestObject(message);
  if (!object) co_return std::unexpected(object.error());
  const auto* const command = object->if_contains("command");
  if (command != nullptr && *command == "renew") co_return co_await RenewByHand(use, message);
  auto moved = co_await MoveByHand(use, message);
  if (!moved) co_return std::unexpected(std::move(moved).error());
  co_return std::move(moved->json);
}

}  // namespace

Result<std::string> MoveStopped(const std::filesystem::path& folder,
                                const net::ControlMessage& request, Log& log) {
  auto installation = net::OpenWhenFree(folder, [&] { return agent::Installation::Open(folder); });
  if (!installation) return std::unexpected(std::move(installation).error());
  crypto::SystemRandom random;
  auto agent = agent::Agent::Create({*installation->folder, installation->key, random, log,
                                     installation->distrust, &installation->unload},
                                    installation->profile, ReadClocks());
  if (!agent) return std::unexpected(std::move(agent).error());
  asio::io_context io(1);
  Result<std::string> answer = Fail(Code::kInternal, "the move did not end");
  const AgentInUse use{*installation, **agent, random, log};
  asio::co_spawn(io, Either(use, request),
                 [&](const std::exception_ptr& failed, Result<std::string> ended) {
                   if (!failed) answer = std::move(ended);
                 });
  io.run();
  COUNTERSIGN_RETURN_IF_ERROR((*agent)->Save());
  return answer;
}

}  // namespace countersign::daemon
