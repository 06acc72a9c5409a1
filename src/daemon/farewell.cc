#include "daemon/farewell.h"

#include <utility>

#include "daemon/server_call.h"
#include "mover/farewell.h"
#include "store/settle_move.h"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;

constexpr auto kAgain = std::chrono::hours(1);

store::AgentConfig PlaceOf(const store::AgentConfig& own, const store::FormerServer& former) {
  store::AgentConfig config = own;
  config.server_host = former.host;
  config.http_port = former.http_port;
  config.https_port = former.https_port;
  config.tls = former.tls;
  config.web_keys.clear();
  return config;
}

// Any answer that the server did not sign may be of anybody on the way: it is tried again, as often
// as kMaxFarewells.
asio::awaitable<bool> Tell(const AgentInUse& use, const store::FormerServer& former) {
  const store::AgentConfig place = PlaceOf(use.installation.config, former);
  mover::Farewell farewell(former, use.agent.trust(), use.installation.profile,
                           use.installation.key, use.random);
  std::optional<Nonce> echo;
  for (int i = 0; i < 2; ++i) {
    const auto report =
        farewell.MakeReport(use.agent.counters(), use.agent.instance(), ReadClocks(), echo);
    if (!report) co_return false;
    const auto answer = co_await PostReport(place, *report);
    if (!answer) co_return false;
    if (answer->status != 200) co_return false;
    if (!farewell.IsAnswered(answer->body, use.installation.distrust, ReadClocks())) {
      use.log.Write(LogLevel::kWarning, "what answers at " + former.host +
                                            " did not prove that it is the former server");
      co_return false;
    }
    if (echo) co_return true;
    echo = Nonce::Parse(net::FindField(answer->fields, "Countersign-Nonce").value_or(""));
    if (!echo) co_return false;
  }
  co_return false;
}

void Remember(const AgentInUse& use, const store::MoveJournal& journal) {
  if (const auto stored = store::StoreJournal(*use.installation.folder, journal); !stored) {
    use.log.Write(LogLevel::kWarning, stored.error().message);
  }
}

}  // namespace

asio::awaitable<bool> TellFormer(AgentInUse use) {
  auto journal = store::LoadJournal(*use.installation.folder);
  if (!journal || journal->former.empty()) co_return journal.has_value();
  const std::vector<store::FormerServer> former = journal->former;
  bool all_told = true;
  for (const store::FormerServer& one : former) {
    const bool told = co_await Tell(use, one);
    const bool given_up = !told && one.tries + 1 >= kMaxFarewells;
    all_told = all_told && told;
    use.log.Write(told ? LogLevel::kInfo : LogLevel::kWarning,
                  "the former server " + one.host +
                      (told       ? " knows that this agent has left"
                       : given_up ? " was never told; given up"
                                  : " is not told yet; again later"));
    // Read anew: a move may have been made meanwhile.
    journal = store::LoadJournal(*use.installation.folder);
    if (!journal) co_return false;
    std::erase_if(journal->former, [&](const auto& entry) {
      return entry.server == one.server && (told || given_up);
    });
    for (auto& entry : journal->former) {
      if (entry.server == one.server) ++entry.tries;
    }
    Remember(use, *journal);
  }
  co_return all_told;
}

asio::awaitable<void> Farewells::Run() {
  while (!stopping_) {
    const auto journal = store::LoadJournal(*use_.installation.folder);
    if (!journal || journal->former.empty()) co_return;
    static_cast<void>(co_await TellFormer(use_));
    if (!stopping_) co_await waker_.Sleep(kAgain);
  }
}

void Farewells::Stop() {
  stopping_ = true;
  waker_.Wake();
}

}  // namespace countersign::daemon
