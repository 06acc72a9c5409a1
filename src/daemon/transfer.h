#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/agent.h"
#include "agent/installation.h"
#include "mover/transfer.h"

namespace countersign::daemon {

// AgentInUse is an opened agent, whether it runs or was opened for one command. One thread;
// everything in it must outlive what is done with it.
struct AgentInUse {
  agent::Installation& installation;
  agent::Agent& agent;
  RandomSource& random;
  Log& log;
};

enum class TransferEnd : std::uint8_t {
  kDone,         // the agent belongs to the target (TransferOutcome::kind says how)
  kUnreachable,  // nobody answered there; everything from here on: nothing was changed
  kNotTaken,     // somebody answered, and it was no server that takes this agent
  kOtherKey,     // a server answered with another key than that of the certificate
  kFailed,       // this machine: its port, its disk
};

struct TransferOutcome {
  TransferEnd end = TransferEnd::kFailed;
  mover::Transfer::Kind kind = mover::Transfer::Kind::kMove;
  std::string why;         // for people
  std::string next;        // what to run now, or empty
  bool accepted = false;   // the target knows and admits this agent
  bool proved = false;     // and has proof that the agent is there: the verified exchange
  bool old_told = false;   // a server was left, and has been told
  std::string unfinished;  // what is left for the next start; empty: nothing
};

// CarryOut carries a transfer out: the target proves itself (mover/target_exchange.h), the trust
// state is replaced, a server that is left is told last, and a failure of that changes nothing
// (the agent goes on telling it). `need_accepted`: a target that does not admit the agent is
// kNotTaken, as for moves that were ordered. `wait`: for so long it is tried, after the step, to
// have the exchange that proves the agent to the target; at least once. After kDone the agent has
// to read its folder anew. Bounded by `wait` and the timeouts of four exchanges.
[[nodiscard]] boost::asio::awaitable<TransferOutcome> CarryOut(AgentInUse use,
                                                               const mover::Transfer& transfer,
                                                               bool need_accepted,
                                                               Uptime wait = Uptime(0));

// TryOut is the dry run: it asks the target for its public certificate and compares, looks whether
// the port is free, and whether the present server answers. Nothing is changed here or there, and
// no key is proved. kDone: it would be tried.
[[nodiscard]] boost::asio::awaitable<TransferOutcome> TryOut(const mover::Transfer& transfer);

// FetchCertificate gets the public certificate of the server that `config` names, which nobody
// trusts for that. kUnavailable, kTimedOut, or kMalformed if what answers is no such server.
[[nodiscard]] boost::asio::awaitable<Result<crypto::Certificate>> FetchCertificate(
    const store::AgentConfig& config);

// EndName returns the stable word: "done", "unreachable", "not-taken", "other-key", "failed".
[[nodiscard]] std::string_view EndName(TransferEnd end);

}  // namespace countersign::daemon
