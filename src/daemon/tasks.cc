#include "daemon/tasks.h"

#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <csignal>
#include <memory>
#include <utility>
#include <variant>

#include "agent/move_order.h"
#include "agent/program_order.h"
#include "base/child_process.h"
#include "base/trusted_path.h"
#include "daemon/ordered_move.h"
#include "net/or_end_process.h"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;

// Without a descriptor for the end of a program it is looked for this often.
constexpr std::chrono::milliseconds kLookAgain{50};
constexpr std::chrono::milliseconds kNever = std::chrono::hours(24);
constexpr int kMaxReceiptWaits = 100;
constexpr std::chrono::milliseconds kReceiptWait{100};

// Watch wakes `waker` whenever a descriptor of another owner becomes readable. Asio wants to close
// what it watches: it gets a duplicate.
class Watch {
 public:
  Watch(const asio::any_io_executor& executor, int fd, std::shared_ptr<Waker> waker)
      : descriptor_(executor), waker_(std::move(waker)) {
    const int own = fd < 0 ? -1 : ::dup(fd);
    boost::system::error_code failed;
    if (own >= 0) descriptor_.assign(own, failed);
  }
  // Arm: once, and only if it is not armed.
  void Arm() {
    if (!descriptor_.is_open() || *armed_) return;
    *armed_ = true;
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [armed = armed_, waker = waker_](boost::system::error_code failed) {
                             *armed = false;
                             if (!failed) waker->Wake();
                           });
  }
  void Drop() {
    boost::system::error_code ignored;
    descriptor_.close(ignored);
  }
  [[nodiscard]] bool good() const { return descriptor_.is_open(); }

 private:
  asio::posix::stream_descriptor descriptor_;
  std::shared_ptr<Waker> waker_;
  std::shared_ptr<bool> armed_ = std::make_shared<bool>(false);
};

std::vector<std::string> CleanEnvironment() {
  return {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
          "HOME=/"};
}

}  // namespace

void Tasks::Look() {
  for (auto& task : agent_.TakeTasks()) {
    std::visit(
        [&](auto& deed) {
          asio::co_spawn(executor_, Carry(task.jti, std::move(deed)), net::OrEndProcess());
        },
        task.deed);
  }
  if (agent_.restart_wanted() && !restart_begun_) {
    restart_begun_ = true;
    asio::co_spawn(executor_, Restart(), net::OrEndProcess());
  }
}

void Tasks::Stop() {
  stopping_ = true;
  for (auto* const waker : running_) waker->Wake();
}

void Tasks::End(const Jti& jti, const agent::ActEnded& ended) {
  agent_.EndAct(jti, ended.verdict, ended.result, ReadClocks());
  reporter_.ActEnded();
}

asio::awaitable<void> Tasks::Carry(Jti jti, agent::RunProgram program) {
  const std::string name = program.program.string();
  const auto trusted = CheckTrustedPath(program.program);
  const ChildProcessSpec spec{.program = std::move(program.program),
                              .arguments = std::move(program.arguments),
                              .environment = CleanEnvironment(),
                              .folder = std::move(program.folder),
                              .input = std::move(program.input)};
  auto child = trusted ? ChildProcess::Start(spec) : std::unexpected(trusted.error());
  if (!child) {
    log_.Write(LogLevel::kError, "order " + jti.Text() + ": " + child.error().message);
    End(jti, agent::ActFailed(child.error().message));
    co_return;
  }
  log_.Write(LogLevel::kInfo, "order " + jti.Text() + ": runs " + name);
  const auto waker = std::make_shared<Waker>(executor_);
  running_.insert(waker.get());
  Watch output(executor_, child->output_fd(), waker);
  Watch end(executor_, child->end_fd(), waker);
  const Uptime until = ReadClocks().boot + program.time_limit;
  agent::ProgramEnd ended;
  while (!child->Step()) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - ReadClocks().boot);
    if (stopping_ || left.count() <= 0) {
      ended.timed_out = !stopping_;
      child->Kill();
    }
    if (child->output_fd() < 0) output.Drop();
    output.Arm();
    end.Arm();
    const auto most = left.count() <= 0 ? kLookAgain
                      : end.good()      ? std::min(left, kNever)
                                        : kLookAgain;
    co_await waker->Sleep(most);
  }
  running_.erase(waker.get());
  if (stopping_) co_return;
  ended.exit = child->exit_code();
  ended.signal = child->signal();
  ended.output = child->output();
  ended.output_len = child->output_len();
  End(jti, agent::ProgramResult(ended));
}

// One at a time: the second would be about a server that the agent has left meanwhile.
asio::awaitable<void> Tasks::Carry(Jti jti, agent::MoveAgent move) {
  if (moves_ || restart_begun_) {
    End(jti, {trust::Verdict::kFailed,
              agent::MoveFailedResult("busy", "another order to move is being carried out")});
    co_return;
  }
  moves_ = true;
  const OrderedMove moved = co_await MoveByOrder(use_, std::move(move));
  moves_ = false;
  End(jti, moved.ended);
  if (!moved.begin_anew || restart_begun_) co_return;
  restart_begun_ = true;
  co_await Restart();
}

// The receipt goes first: with the answer to the order, which a stop lets finish, or posted after
// the reply that brought it.
asio::awaitable<void> Tasks::Restart() {
  Waker pause(executor_);
  for (int i = 0; i < kMaxReceiptWaits && (i == 0 || reporter_.busy()); ++i) {
    co_await pause.Sleep(kReceiptWait);
  }
  if (stopping_) co_return;
  raised_ = true;
  std::raise(SIGTERM);
}

}  // namespace countersign::daemon
