// kill -9 of the real countersignd under load, at random moments, 200 times: what it acknowledged,
// to agents and to the administrator, is there afterwards, once.
//
//   kill_under_load COUNTERSIGND        COUNTERSIGN_KILLS=N, COUNTERSIGN_KILL_SEED=N
// COUNTERSIGN_KILL_FORGETS_LOG=1 looks at the registry without its write-ahead log: it must fail.
#include <unistd.h>

#include <atomic>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/files.h"
#include "net/control_client.h"
#include "server/host.h"
#include "tests/durability/acknowledged.h"
#include "tests/durability/daemon_under_test.h"
#include "tests/support/certificate_factory.h"
#include "tests/support/command.h"
#include "tests/support/fake_agent.h"
#include "tests/support/memory_log.h"
#include "tests/support/must.h"
#include "trust/rule_a.h"

namespace countersign::testing {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t kAgentsPerThread = 8;
constexpr std::size_t kAgentThreads = 2;
constexpr int kIterations = 1'000;
constexpr std::size_t kFullCheckEach = 25;

Instant Now() { return std::chrono::time_point_cast<Seconds>(std::chrono::system_clock::now()); }

std::uint64_t NumberFrom(const char* name, std::uint64_t fallback) {
  const char* const text = std::getenv(name);
  return text == nullptr ? fallback : std::stoull(text);
}

// MakeServer makes the folder, and returns what an agent that is installed from it trusts.
trust::TrustState MakeServer(const fs::path& folder, std::uint16_t port) {
  MemoryLog log;
  const SecretBytes password = SecretBytes::OwnText("correct horse battery");
  server::InitRequest request;
  request.path = folder;
  request.config.listen = "127.0.0.1";
  request.config.http_port = port;
  request.config.https = false;
  request.config.public_host = "127.0.0.1";
  request.config.max_unadmitted_per_minute = 1'000;
  request.backup_password = &password;
  request.backup_iterations = kIterations;
  const auto made = server::InitServerFolder(request, log, Now());
  Check(made.has_value(), made ? "" : made.error().message);
  const Bytes der = Must(ReadFile(store::ServerFolder(folder).PublicCertificatePath(), 1 << 20));
  return Must(trust::FirstTrust(Must(crypto::Certificate::Parse(der)), nullptr));
}

// What the threads share.
struct Field {
  Field(std::uint16_t free_port, fs::path place)
      : port(free_port), folder(std::move(place)), trust(MakeServer(folder, port)) {}
  std::uint16_t port;
  fs::path folder;
  trust::TrustState trust;  // of an agent that was installed from this server
  Acknowledged acknowledged;
  std::atomic<bool> over = false;
  std::atomic<std::size_t> wrong_answers = 0;  // of a server that forgot that it forgot
};

// AgentLoad is some agents that enrol, report, and answer orders as fast as they can.
class AgentLoad {
 public:
  AgentLoad(Field& field, std::uint64_t number)
      : field_(field),
        authority_(1'000 + number),
        chance_(number),
        source_("127.77.0." + std::to_string(number % 10 + 1)) {
    for (std::size_t i = 0; i < kAgentsPerThread; ++i) agents_.push_back(NewAgent());
  }

  void Run() {
    while (!field_.over) {
      FakeAgent& agent = agents_[chance_() % agents_.size()];
      if (chance_() % 32 == 0) agent = NewAgent();
      if (!Report(agent)) std::this_thread::sleep_for(2ms);
    }
  }

 private:
  FakeAgent NewAgent() {
    FakeAgent agent(authority_.MakeKey());
    agent.instance = authority_.random().Token();
    agent.Hold(field_.trust);
    return agent;
  }

  // False if the server is not there.
  bool Report(FakeAgent& agent) {
    const bool was_forgotten = field_.acknowledged.IsForgotten(agent.id);
    const std::string report = agent.Sign(agent.Report(Now()));
    const HttpAnswer answer = PostJose(field_.port, source_, "/countersign/v1/report", report);
    if (was_forgotten) {
      if (answer.status == 200) ++field_.wrong_answers;
      agent = NewAgent();
      return answer.status != 0;
    }
    if (answer.status != 200) return false;
    const auto reply = wire::ParseReply(answer.body);
    if (!reply) return false;  // the answer was cut off
    field_.acknowledged.Known(agent.id);
    agent.nonce = reply->reply.nonce;
    for (const std::string& order : reply->reply.orders) Obey(agent, order);
    return true;
  }

  void Obey(FakeAgent& agent, const std::string& order) {
    const wire::Receipt receipt = agent.Receipt(order, trust::Verdict::kDone, Now());
    const Jti jti = receipt.order.value();
    field_.acknowledged.SentReceipt(jti);
    const HttpAnswer answer =
        PostJose(field_.port, source_, "/countersign/v1/receipt", agent.Sign(receipt));
    if (answer.status == 204) field_.acknowledged.Ended(jti);
  }

  Field& field_;
  TestAuthority authority_;
  std::mt19937_64 chance_;
  std::string source_;
  std::vector<FakeAgent> agents_;
};

// AdminLoad is an administrator who approves, gives orders, and now and then forgets an agent.
class AdminLoad {
 public:
  AdminLoad(Field& field, std::uint64_t seed) : field_(field), chance_(seed) {}

  void Run() {
    while (!field_.over) {
      if (!Act()) std::this_thread::sleep_for(2ms);
    }
  }

 private:
  bool Act() {
    const auto newcomers = field_.acknowledged.KnownOnly();
    const auto agents = field_.acknowledged.ApprovedOnly();
    if (!newcomers.empty() && (agents.empty() || chance_() % 3 == 0)) {
      const AgentId agent = newcomers[chance_() % newcomers.size()];
      if (!Ask({{"command", "approve"}, {"agents", {agent.Text()}}})) return false;
      field_.acknowledged.Approved(agent);
      return true;
    }
    if (agents.empty()) return false;
    const AgentId agent = agents[chance_() % agents.size()];
    if (chance_() % 16 == 0) {
      field_.acknowledged.AskedToForget(agent);
      if (!Ask({{"command", "forget"}, {"agents", {agent.Text()}}})) return false;
      field_.acknowledged.Forgotten(agent);
      return true;
    }
    return Order(agent);
  }

  bool Order(const AgentId& agent) {
    field_.acknowledged.AskedForOrder();
    const std::string args = R"({"number":)" + std::to_string(++num_orders_) + "}";
    const auto answer =
        Ask({{"command", "order"}, {"agents", {agent.Text()}}, {"act", "ping"}, {"args", args}});
    if (!answer) return false;
    for (const auto& order : answer->at("orders").as_array()) {
      field_.acknowledged.Queued(Must(Jti::Parse(order.at("order").as_string())));
    }
    return true;
  }

  // The answer, if it came and is ok.
  std::optional<boost::json::object> Ask(boost::json::object request) {
    auto client = net::ControlClient::Connect(field_.folder);
    if (!client) return std::nullopt;
    request["by"] = "test";
    net::ControlMessage message;
    message.json = boost::json::serialize(request);
    const auto answer = client->Call(message, 60s);
    if (!answer) return std::nullopt;
    auto json = boost::json::parse(answer->json).as_object();
    if (json.at("ok").as_bool()) return json;
    std::fprintf(stderr, "refused: %s\n", answer->json.c_str());
    return std::nullopt;
  }

  Field& field_;
  std::mt19937_64 chance_;
  std::size_t num_orders_ = 0;
};

// The registry as the kill left it, copied so that looking at it mends nothing.
fs::path CopyOfRegistry(const fs::path& folder, const fs::path& scratch) {
  fs::remove_all(scratch);
  fs::create_directory(scratch);
  // Without its log it lacks what came last: a test of this test.
  const bool whole = std::getenv("COUNTERSIGN_KILL_FORGETS_LOG") == nullptr;
  for (const char* const name : {"registry.db", "registry.db-wal"}) {
    if (!whole && std::string_view(name).ends_with("-wal")) continue;
    std::error_code absent;
    fs::copy_file(folder / name, scratch / name, absent);
  }
  return scratch / "registry.db";
}

bool Report(const std::vector<std::string>& lost, std::size_t kills) {
  for (const auto& what : lost) {
    std::fprintf(stderr, "after kill %zu: lost %s\n", kills, what.c_str());
  }
  return lost.empty();
}

class Killer {
 public:
  Killer(const fs::path& program, std::uint64_t seed)
      : chance_(seed),
        field_(FreePort(), scratch_.path() / "server"),
        daemon_(program, field_.folder, scratch_.path() / "log", field_.port),
        seed_(seed) {}

  bool Run(std::size_t num_kills) {
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i < kAgentThreads; ++i) {
      threads.emplace_back([this, i] { AgentLoad(field_, seed_ * 10 + i).Run(); });
    }
    threads.emplace_back([this] { AdminLoad(field_, seed_).Run(); });
    bool good = true;
    for (std::size_t kills = 1; good && kills <= num_kills; ++kills) good = Round(kills);
    field_.over = true;
    for (auto& thread : threads) thread.join();
    return good && End(num_kills);
  }

 private:
  bool Round(std::size_t kills) {
    daemon_.Start();
    // One in eight does not live to serve.
    const bool serves = chance_() % 8 != 0;
    if (serves && !daemon_.AwaitServing()) return Complain("it does not start again");
    std::this_thread::sleep_for(std::chrono::milliseconds(chance_() % (serves ? 400 : 60)));
    if (!daemon_.Kill()) return Complain("it ended by itself");
    const auto which =
        kills % kFullCheckEach == 0 ? Acknowledged::Which::kAll : Acknowledged::Which::kNew;
    const fs::path copy = CopyOfRegistry(field_.folder, scratch_.path() / "copy");
    return Report(field_.acknowledged.Lost(copy, which), kills);
  }

  // At last it is started and ended in order, and has everything.
  bool End(std::size_t num_kills) {
    daemon_.Start();
    if (!daemon_.AwaitServing()) return Complain("it does not start again");
    if (daemon_.Stop() != 0) return Complain("it does not stop in order");
    const auto counts = field_.acknowledged.counts();
    std::printf("acknowledged: %zu agents, %zu approved, %zu forgotten, %zu orders, %zu receipts\n",
                counts.known, counts.approved, counts.forgotten, counts.queued, counts.ended);
    const bool enough = counts.known >= num_kills / 20 && counts.approved >= num_kills / 20 &&
                        counts.queued >= num_kills / 4 && counts.forgotten >= num_kills / 100 &&
                        counts.ended >= num_kills / 10;
    if (!enough) return Complain("that is no load");
    if (field_.wrong_answers > 0) return Complain("a forgotten agent was answered");
    return Report(field_.acknowledged.Lost(store::ServerFolder(field_.folder).RegistryPath(),
                                           Acknowledged::Which::kAll),
                  0);
  }

  bool Complain(const char* what) {
    const std::string log(AsText(scratch_.Read("log")));
    const std::size_t from = log.size() > 4'000 ? log.size() - 4'000 : 0;
    std::fprintf(stderr, "%s\n%s\n", what, log.substr(from).c_str());
    return false;
  }

  std::mt19937_64 chance_;
  TemporaryFolder scratch_;
  Field field_;
  DaemonUnderTest daemon_;
  std::uint64_t seed_;
};

}  // namespace
}  // namespace countersign::testing

int main(int argc, char** argv) {
  using namespace countersign::testing;  // NOLINT: it is the program's own
  if (argc != 2) return 2;
  const std::uint64_t seed =
      NumberFrom("COUNTERSIGN_KILL_SEED", std::random_device()() % 1'000'000);
  const std::uint64_t kills = NumberFrom("COUNTERSIGN_KILLS", 200);
  std::printf("seed %llu, %llu kills\n", static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(kills));
  std::fflush(stdout);
  return Killer(argv[1], seed).Run(kills) ? 0 : 1;
}
