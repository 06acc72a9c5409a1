#include "daemon/mover_control.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <exception>
#include <limits>
#include <optional>
#include <utility>

#include "agent/present.h"
#include "base/encoding.h"
#include "crypto/hash.h"
#include "daemon/reporter.h"
#include "daemon/unload_control.h"
#include "net/address.h"
#include "net/open_when_free.h"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::int64_t kLongestWait = 3'600;
constexpr std::size_t kMaxWebKeys = 4;

struct MoveRequest {
  mover::Place place;
  std::optional<Digest> thumbprint;
  bool first_use = false;
  bool dry_run = false;
  Uptime wait{0};
};

std::unexpected<Error> Odd(std::string_view what) {
  return Fail(Code::kUsage, "the request to move is not as it should be: " + std::string(what));
}

// Number reads an integer member; nothing if absent.
Result<std::optional<std::int64_t>> Number(const json::object& object, std::string_view name,
                                           std::int64_t least, std::int64_t most) {
  const auto* const value = object.if_contains(name);
  if (value == nullptr) return std::nullopt;
  const auto* const number = value->if_int64();
  if (number == nullptr || *number < least || *number > most) return Odd(name);
  return *number;
}

Result<std::optional<std::uint16_t>> Port(const json::object& object, std::string_view name) {
  const auto number = Number(object, name, 1, std::numeric_limits<std::uint16_t>::max());
  if (!number) return std::unexpected(number.error());
  if (!*number) return std::nullopt;
  return static_cast<std::uint16_t>(**number);
}

bool Flag(const json::object& object, std::string_view name) {
  const auto* const value = object.if_contains(name);
  return value != nullptr && *value == true;
}

std::optional<std::string> Text(const json::object& object, std::string_view name) {
  const auto* const value = object.if_contains(name);
  const auto* const text = value == nullptr ? nullptr : value->if_string();
  if (text == nullptr) return std::nullopt;
  return std::string(*text);
}

// What a package of the target has beside the place: its token and the pins of its web host.
Status ReadPackaged(const net::ControlMessage& message, const json::object& object,
                    mover::Place& place) {
  if (const auto id = Text(object, "enrol")) {
    if (message.secrets.size() != 2) return Odd("enrol");
    place.enrol = wire::EnrolToken{*id, ToBytes(message.secrets[1].view())};
  }
  const auto* const keys = object.if_contains("web_keys");
  if (keys == nullptr) return {};
  if (!keys->is_array() || keys->get_array().size() > kMaxWebKeys) return Odd("web_keys");
  for (const auto& key : keys->get_array()) {
    const auto digits = key.is_string() ? ParseHex(key.get_string()) : std::nullopt;
    if (!digits || digits->size() != sizeof(Digest)) return Odd("web_keys");
    std::copy(digits->begin(), digits->end(), place.web_keys.emplace_back().begin());
  }
  return {};
}

Result<mover::Place> ReadPlace(const json::object& object) {
  mover::Place place;
  place.host = Text(object, "host").value_or("");
  if (place.host.empty()) return Odd("host");
  const auto http = Port(object, "http_port");
  const auto https = Port(object, "https_port");
  auto listen = Port(object, "listen_port");
  if (!http || !*http) return Odd("http_port");
  if (!https || !*https) return Odd("https_port");
  if (!listen) return std::unexpected(std::move(listen).error());
  place.http_port = **http;
  place.https_port = **https;
  place.listen_port = *listen;
  place.domain = Text(object, "domain");
  if (object.contains("tls")) place.tls = Flag(object, "tls");
  return place;
}

Result<MoveRequest> ReadRequest(const json::object& object) {
  auto place = ReadPlace(object);
  if (!place) return std::unexpected(std::move(place).error());
  MoveRequest request;
  request.place = *std::move(place);
  request.first_use = Flag(object, "first_use");
  request.dry_run = Flag(object, "dry_run");
  if (const auto hex = Text(object, "thumbprint")) {
    const auto digits = ParseHex(*hex);
    if (!digits || digits->size() != sizeof(Digest)) return Odd("thumbprint");
    std::copy(digits->begin(), digits->end(), request.thumbprint.emplace().begin());
  }
  const auto wait = Number(object, "wait", 0, kLongestWait);
  if (!wait) return std::unexpected(wait.error());
  request.wait = Seconds(wait->value_or(0));
  return request;
}

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

// The certificate that the target has to prove: given, or fetched and told apart by its thumbprint.
struct Given {
  std::optional<crypto::Certificate> certificate;
  std::string result = {};  // none: why not
  std::string why = {};
  std::string next = {};
};

asio::awaitable<Given> Fetch(const MoveRequest& request, store::AgentConfig config) {
  config.server_host = request.place.host;
  config.http_port = request.place.http_port;
  config.https_port = request.place.https_port;
  if (request.place.tls) config.tls = *request.place.tls;
  auto fetched = co_await FetchCertificate(config);
  const std::uint16_t port = config.tls ? config.https_port : config.http_port;
  const std::string place = net::Endpoint{config.server_host, port}.Text();
  Given given;
  if (!fetched) {
    const bool is_other = fetched.error().code == Code::kMalformed;
    given.result = EndName(is_other ? TransferEnd::kNotTaken : TransferEnd::kUnreachable);
    given.why = "no certificate can be had from " + place + ": " + fetched.error().message;
    given.next = "look at the name and the ports, and whether the server runs";
    co_return given;
  }
  const Digest found = fetched->thumbprint();
  if (request.thumbprint && found != *request.thumbprint) {
    given.result = "other-certificate";
    given.why = "the server at " + place + " shows the certificate with the thumbprint " +
                HexLower(found) + ", and " + HexLower(*request.thumbprint) + " was expected";
    given.next = "compare with `countersign cert show` on that server";
    co_return given;
  }
  given.certificate = *std::move(fetched);
  co_return given;
}

asio::awaitable<Given> GetCertificate(const MoveRequest& request,
                                      const net::ControlMessage& message,
                                      const store::AgentConfig& config) {
  Given given;
  if (message.blobs.empty()) co_return co_await Fetch(request, config);
  auto parsed = crypto::Certificate::Parse(message.blobs.front());
  if (!parsed) {
    given.why = parsed.error().message;
  } else {
    given.certificate = *std::move(parsed);
  }
  co_return given;
}

Result<json::object> ObjectOf(const net::ControlMessage& message) {
  boost::system::error_code failed;
  auto value = json::parse(message.json, failed);
  if (failed || !value.is_object()) return Odd("no object");
  return std::move(value.get_object());
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
  if (passed->spent) {
    use.log.Write(LogLevel::kWarning, "the owner's warrant " + passed->spent->jti.Text() +
                                          " passed the unload password");
  }
  return Unlocked{true, std::move(passed->spent)};
}

// Told apart from any other refusal, for the exit code.
std::string NotUnlocked(const Error& error) {
  return json::serialize(json::object{{"ok", false},
                                      {"code", CodeName(error.code)},
                                      {"message", error.message},
                                      {"next", error.next},
                                      {"unload", true}});
}

Result<MoveRequest> Understand(const net::ControlMessage& message, const json::object& object) {
  auto request = ReadRequest(object);
  if (!request) return request;
  const bool fetches = request->thumbprint || request->first_use;
  if (message.blobs.size() != (fetches ? 0U : 1U)) return Odd("certificate");
  COUNTERSIGN_RETURN_IF_ERROR(ReadPackaged(message, object, request->place));
  return request;
}

MoveAnswer WithoutCertificate(const AgentInUse& use, const Given& given, bool unlocked) {
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
  const auto object = ObjectOf(message);
  if (!object) co_return std::unexpected(object.error());
  if (message.blobs.size() != 1) co_return Odd("certificate");
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
  use.log.Write(LogLevel::kInfo, "trust renewed by local authority: " + outcome.why);
  auto answer =
      agent::RenewalJson(mover::ResultName(outcome.result), outcome.why, use.agent.trust());
  answer["unload_passed"] = unlocked->passed;
  co_return json::serialize(answer);
}

asio::awaitable<Result<MoveAnswer>> MoveByHand(AgentInUse use, const net::ControlMessage& message) {
  const auto object = ObjectOf(message);
  if (!object) co_return std::unexpected(object.error());
  const auto request = Understand(message, *object);
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
  const auto trusted = trust::FirstTrust(*given.certificate, &use.agent.trust());
  if (!trusted) co_return std::unexpected(trusted.error());
  auto to_be = unlocked.Keep(*trusted);
  if (!to_be) co_return std::unexpected(std::move(to_be).error());
  // As it is on the disk: an administrator may have changed it since the agent began.
  const auto config = agent::ReadAgentConfig(use.installation.folder->path());
  if (!config) co_return std::unexpected(config.error());
  const auto transfer =
      mover::PlanTransfer(request->place, *config, use.agent.trust(), *std::move(to_be));
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
  const auto object = ObjectOf(message);
  if (!object) co_return std::unexpected(object.error());
  if (Text(*object, "command") == "renew") co_return co_await RenewByHand(use, message);
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
