#include "daemon/agent_probe.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "agent/agent.h"
#include "base/encoding.h"
#include "base/files.h"
#include "crypto/hash.h"
#include "daemon/server_link.h"
#include "net/control_client.h"
#include "net/open_when_free.h"
#include "net/or_end_process.h"
#include "store/distrust.h"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using doctor::AgentFacts;
using doctor::CertificateFacts;
using Way = doctor::Reach;

constexpr auto kControlTimeout = std::chrono::seconds(60);

CertificateFacts FactsOf(const crypto::Certificate& certificate) {
  return {.name = certificate.common_name(),
          .serial = certificate.serial(),
          .sha256 = HexLower(certificate.thumbprint()),
          .generation = certificate.generation().value_or(0),
          .not_before = certificate.not_before(),
          .not_after = certificate.not_after()};
}

void AddFault(AgentFacts& facts, const Error& error, const std::string& otherwise) {
  facts.faults.push_back(error.message);
  facts.fault_commands.push_back(error.next.empty() ? otherwise : error.next);
}

// Files reads what the agent has; what of it is whole is returned.
struct Files {
  std::optional<store::AgentConfig> config;
  std::optional<trust::TrustState> trust;
  trust::DistrustList distrust;
};

Files ReadFiles(const fs::path& folder, AgentFacts& facts) {
  const std::string anew = "mv " + folder.string() + ' ' + folder.string() +
                           ".old, then countersign-agentd install --from PACKAGE (a new agent)";
  Files files;
  for (const char* const name : {"", "agent.toml", "agent.key", "trust"}) {
    const fs::path path = *name == '\0' ? folder : folder / name;
    std::error_code failed;
    if (!fs::exists(path, failed)) {
      AddFault(facts, {Code::kNotFound, path.string() + " is missing", ""}, anew);
    } else if (const auto safe = CheckPrivate(path); !safe) {
      AddFault(facts, safe.error(), anew);
    }
  }
  const auto text = ReadFile(folder / "agent.toml", store::kMaxConfigLen);
  if (text) {
    auto config = store::ParseAgentConfig(AsText(*text));
    if (config) {
      files.config = *std::move(config);
    } else {
      AddFault(facts, {config.error().code, "agent.toml: " + config.error().message, ""},
               "edit " + (folder / "agent.toml").string());
    }
  }
  auto trust = store::ReadTrustForStatus(folder);
  if (trust) {
    files.trust = *std::move(trust);
  } else if (trust.error().code != Code::kNotFound) {
    AddFault(facts, {trust.error().code, trust.error().message, ""}, anew);
  }
  auto distrust = store::LoadDistrust(fs::path(store::kDistrustPath));
  if (distrust) {
    files.distrust = *std::move(distrust);
  } else {
    AddFault(facts, distrust.error(), "edit " + std::string(store::kDistrustPath));
  }
  const auto certificate = agent::ReadCertificateFile(folder / "OfcNTCer.dat");
  if (certificate) facts.file_sha256 = HexLower(certificate->thumbprint());
  return files;
}

std::optional<boost::json::object> AskRunning(const fs::path& folder, const char* request) {
  auto client = net::ControlClient::Connect(folder);
  if (!client) return std::nullopt;
  const auto answer = client->Call({request, {}, {}}, kControlTimeout);
  if (!answer) return std::nullopt;
  boost::system::error_code failed;
  auto value = boost::json::parse(answer->json, failed);
  if (failed || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

void LookUpName(const store::AgentConfig& config, AgentFacts& facts) {
  asio::io_context io(1);
  boost::system::error_code failed;
  const auto found = asio::ip::tcp::resolver(io).resolve(config.server_host, "", failed);
  if (failed || found.empty()) {
    facts.name = {Way::kFailed, "the name \"" + config.server_host + "\" has no address (" +
                                    failed.message() + ")"};
    return;
  }
  std::string addresses;
  for (const auto& entry : found) {
    const std::string text = entry.endpoint().address().to_string();
    if (addresses.find(text) == std::string::npos)
      addresses += (addresses.empty() ? "" : ", ") + text;
  }
  facts.name = {Way::kReached, config.server_host + " is " + addresses};
}

// A connection alone first: whether TLS comes about is another question.
asio::awaitable<void> TryWay(store::AgentConfig config, AgentFacts& facts) {
  const std::string place = net::Endpoint{config.server_host, facts.server_port}.Text();
  store::AgentConfig plain = config;
  plain.tls = false;
  plain.http_port = facts.server_port;
  auto reached = co_await Reach(plain);
  if (!reached) {
    facts.port = {Way::kFailed, reached.error().message};
    co_return;
  }
  facts.port = {Way::kReached, "connected to " + place};
  if (config.tls) {
    reached->connection.Close();
    reached = co_await Reach(config);
    if (!reached) {
      facts.tls_handshake = {Way::kFailed, reached.error().message};
      co_return;
    }
    facts.tls_handshake = {Way::kReached, "TLS 1.3 with " + place};
  }
  const auto answer = co_await reached->connection.Exchange("GET", "/countersign/v1/certificate");
  facts.fetch.reach = Way::kFailed;
  if (!answer) {
    facts.fetch.text = answer.error().message;
  } else if (answer->status != 200) {
    facts.fetch.text = place + " answers HTTP " + std::to_string(answer->status) +
                       " to GET /countersign/v1/certificate";
  } else if (const auto certificate = crypto::Certificate::Parse(AsBytes(answer->body))) {
    facts.fetch = {Way::kReached, "fetched"};
    facts.served = FactsOf(*certificate);
  } else {
    facts.fetch.text = place + " answers with something else than a certificate";
  }
}

// The exchange of an agent that does not run.
void ExchangeOfStopped(const fs::path& folder, Log& log, AgentFacts& facts) {
  auto installation = net::OpenWhenFree(folder, [&] { return agent::Installation::Open(folder); });
  if (!installation) {
    facts.exchange = NotMade(installation.error());
    return;
  }
  crypto::SystemRandom random;
  auto agent = agent::Agent::Create(
      {*installation->folder, installation->key, random, log, installation->distrust},
      installation->profile, ReadClocks());
  if (!agent) {
    facts.exchange = NotMade(agent.error());
    return;
  }
  facts.exchange.reach = Way::kFailed;
  asio::io_context io(1);
  asio::co_spawn(io,
                 TryExchange(*installation, (*agent)->trust(), (*agent)->counters(),
                             (*agent)->instance(), random),
                 [&](const std::exception_ptr& failed, doctor::ExchangeFacts made) {
                   if (!failed) facts.exchange = std::move(made);
                 });
  io.run();
}

}  // namespace

AgentFacts ProbeAgent(const fs::path& folder, ExchangeWhen when, Log& log) {
  AgentFacts facts;
  facts.folder = folder.string();
  facts.now = ReadClocks().wall;
  facts.distrust_path = store::kDistrustPath;
  std::error_code failed;
  facts.installed =
      fs::exists(folder / "trust", failed) || fs::exists(folder / "agent.key", failed);
  if (!facts.installed) return facts;
  const Files files = ReadFiles(folder, facts);
  if (files.trust) {
    facts.held = FactsOf(files.trust->certificate);
    facts.held.generation = files.trust->generation;
    facts.held_is_distrusted = files.distrust.HasEither(files.trust->certificate);
  }
  const auto status = AskRunning(folder, R"({"command":"status"})");
  facts.running = status.has_value();
  if (status) {
    if (const auto* const error = status->if_contains("last_error")) {
      if (error->is_string()) facts.newest = std::string(error->get_string());
    }
  }
  if (!files.config || !files.trust) return facts;
  facts.server_host = files.config->server_host;
  facts.tls = files.config->tls;
  facts.server_port = facts.tls ? files.config->https_port : files.config->http_port;
  LookUpName(*files.config, facts);
  if (facts.name.reach != Way::kReached) return facts;
  asio::io_context io(1);
  asio::co_spawn(io, TryWay(*files.config, facts), net::OrEndProcess());
  io.run();
  const bool is_other = facts.served && facts.served->sha256 != facts.held.sha256;
  if (facts.port.reach != Way::kReached || facts.tls_handshake.reach == Way::kFailed ||
      (when != ExchangeWhen::kAlways && !is_other)) {
    return facts;
  }
  if (!facts.running) {
    ExchangeOfStopped(folder, log, facts);
  } else if (const auto made = AskRunning(folder, R"({"command":"check"})")) {
    facts.exchange = ReadExchange(*made);
  }
  return facts;
}

}  // namespace countersign::daemon
