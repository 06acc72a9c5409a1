#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "tests/simulation/chance.h"
#include "tests/simulation/scheduler.h"

namespace countersign::simulation {

enum class Route { kChallenge, kOrder, kReport, kReceipt };

// Nodes: 0 is the server, 1.. are agents.
inline constexpr int kServerNode = 0;
inline constexpr int kAttackerNode = -1;

struct Request {
  Route route = Route::kChallenge;
  int from = 0;
  int to = 0;
  std::string body = {};
};

struct Response {
  int status = 0;
  std::string body = {};
  std::string nonce = {};
  unsigned retry_after = 0;
};

struct NetworkFaults {
  double loss = 0;       // percent of requests, and of responses
  double duplicate = 0;  // percent of requests that arrive twice
  double slow = 0;       // percent of messages that take up to `slowest`
  SimTime slowest = 0;
};

// Network carries requests and their responses. A request may be lost, late, overtaken and doubled;
// an exchange ends with the first response, or with none.
class Network {
 public:
  using Respond = std::function<void(Response)>;
  using Handler = std::function<void(const Request&, Respond)>;
  using Done = std::function<void(const std::optional<Response>&)>;

  Network(Scheduler& scheduler, Chance& chance) : scheduler_(scheduler), chance_(chance) {}

  // A node that is not listening refuses connections.
  void Listen(int node, Handler handler) { handlers_[node] = std::move(handler); }
  void StopListening(int node) { handlers_.erase(node); }
  void Send(const Request& request, SimTime timeout, Done done);

  void set_faults(const NetworkFaults& faults) { faults_ = faults; }
  void Cut(int node) { cut_.insert(node); }
  void Heal(int node) { cut_.erase(node); }

  // --- the attacker's place ---
  // Watch is told of all that is sent.
  void set_watch(std::function<void(const Request&, const Response*)> watch) {
    watch_ = std::move(watch);
  }
  // Open exchanges, which the attacker may answer before the one who was asked.
  struct Open {
    std::uint64_t id = 0;
    Request request;
  };
  [[nodiscard]] std::optional<Open> AnyOpen();
  void Answer(std::uint64_t exchange, const Response& response) { Finish(exchange, response); }

 private:
  struct Exchange {
    Request request;
    Done done;
  };
  void Deliver(std::uint64_t id, const Request& request);
  void Finish(std::uint64_t id, const std::optional<Response>& response);
  [[nodiscard]] bool IsCut(const Request& request) const {
    return cut_.contains(request.from) || cut_.contains(request.to);
  }
  [[nodiscard]] SimTime Delay();

  Scheduler& scheduler_;
  Chance& chance_;
  NetworkFaults faults_;
  std::map<int, Handler> handlers_;
  std::set<int> cut_;
  std::map<std::uint64_t, Exchange> open_;
  std::uint64_t next_ = 1;
  std::function<void(const Request&, const Response*)> watch_;
};

}  // namespace countersign::simulation
