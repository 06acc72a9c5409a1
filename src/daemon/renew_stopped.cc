#include "daemon/renew_stopped.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "agent/agent.h"
#include "agent/present.h"
#include "crypto/hash.h"
#include "daemon/reporter.h"
#include "net/open_when_free.h"

namespace countersign::daemon {

Result<std::string> RenewStopped(const std::filesystem::path& folder,
                                 const crypto::Certificate& certificate, bool verify, Log& log) {
  auto installation = net::OpenWhenFree(folder, [&] { return agent::Installation::Open(folder); });
  if (!installation) return std::unexpected(std::move(installation).error());
  crypto::SystemRandom random;
  auto agent = agent::Agent::Create({*installation->folder, installation->key, random, log,
                                     installation->distrust, &installation->unload},
                                    installation->profile, ReadClocks());
  if (!agent) return std::unexpected(std::move(agent).error());
  auto renewal = mover::Renewal::Begin((*agent)->trust(), certificate, installation->profile,
                                       installation->key, random);
  if (!renewal) return std::unexpected(std::move(renewal).error());
  boost::asio::io_context io(1);
  mover::Renewal::Outcome outcome = (*renewal)->NotReached("the exchange did not end");
  boost::asio::co_spawn(io,
                        Renew(**renewal, (*agent)->counters(), (*agent)->instance(),
                              installation->config, installation->distrust),
                        [&](std::exception_ptr failed, mover::Renewal::Outcome ended) {
                          if (!failed) outcome = std::move(ended);
                        });
  io.run();
  outcome = mover::Decide(std::move(outcome), **renewal, verify);
  if (outcome.state) {
    COUNTERSIGN_RETURN_IF_ERROR((*agent)->AdoptTrust(*outcome.state, ReadClocks()));
  }
  return boost::json::serialize(
      agent::RenewalJson(mover::ResultName(outcome.result), outcome.why, (*agent)->trust()));
}

}  // namespace countersign::daemon
