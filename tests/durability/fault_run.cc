#include "tests/durability/fault_run.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "base/error.h"
#include "tests/durability/durable_image.h"
#include "tests/support/memory_log.h"
#include "tests/support/must.h"

namespace countersign::testing {
namespace {

namespace fs = std::filesystem;

// Pipe carries lines of JSON from the child, as far as it lives.
class Pipe {
 public:
  Pipe() { Check(pipe(ends_.data()) == 0, "a pipe"); }
  void Send(const boost::json::object& line) const {
    const std::string text = boost::json::serialize(line) + "\n";
    Check(write(ends_[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()), "a line");
  }
  [[nodiscard]] std::vector<boost::json::object> ReceiveAll() {
    close(ends_[1]);
    std::string text;
    std::array<char, 4096> part{};
    for (ssize_t len = 0; (len = read(ends_[0], part.data(), part.size())) > 0;) {
      text.append(part.data(), static_cast<std::size_t>(len));
    }
    close(ends_[0]);
    std::vector<boost::json::object> lines;
    for (std::size_t from = 0; from < text.size();) {
      const std::size_t to = text.find('\n', from);
      lines.push_back(boost::json::parse(text.substr(from, to - from)).as_object());
      from = to + 1;
    }
    return lines;
  }

 private:
  std::array<int, 2> ends_{};
};

boost::json::object ToJson(const char* what, const Told& told) {
  return {{"what", what},
          {"kind", static_cast<int>(told.kind)},
          {"code", told.code},
          {"message", told.message}};
}

Told FromJson(const boost::json::object& line) {
  return {static_cast<Told::Kind>(line.at("kind").as_int64()),
          std::string(line.at("code").as_string()), std::string(line.at("message").as_string())};
}

Outcome Collect(Pipe& pipe, pid_t child) {
  Outcome outcome;
  for (const auto& line : pipe.ReceiveAll()) {
    if (line.at("what") == "told") outcome.told = FromJson(line);
    if (line.at("what") == "again") outcome.again = FromJson(line);
    const auto number = [&](const char* name, std::size_t& value) {
      const auto* const found = line.if_contains(name);
      if (found != nullptr) value = static_cast<std::size_t>(found->as_int64());
    };
    number("calls", outcome.num_calls);
    number("images_when_told", outcome.images_when_told);
    number("images", outcome.num_images);
    if (line.contains("happened")) outcome.happened = line.at("happened").as_bool();
  }
  int status = 0;
  Check(waitpid(child, &status, 0) == child, "the end of the child");
  outcome.killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  if (WIFSIGNALED(status) && !outcome.killed) {
    outcome.died_of = "signal " + std::to_string(WTERMSIG(status));
  } else if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
    outcome.died_of = "exit " + std::to_string(WEXITSTATUS(status));
  }
  return outcome;
}

// InChild runs `body` in a process of its own, which never comes back.
Outcome InChild(const std::function<void(const Pipe&)>& body) {
  Pipe pipe;
  const pid_t child = fork();
  Check(child >= 0, "a process");
  if (child == 0) {
    body(pipe);
    _exit(0);
  }
  return Collect(pipe, child);
}

std::unique_ptr<server::Host> OpenHost(const Operation& operation, const fs::path& folder) {
  static MemoryLog log;
  if (!operation.needs_host) return nullptr;
  return Must(server::Host::Open(folder, log, kProbeNow, kProbeIterations));
}

boost::json::object Counted() {
  return {{"what", "counted"},
          {"calls", static_cast<std::int64_t>(NumCalls())},
          {"happened", FaultHappened()}};
}

}  // namespace

Outcome RunWithFault(const Operation& operation, const fs::path& root, const Fault& fault,
                     Ending ending) {
  return InChild([&](const Pipe& pipe) {
    const fs::path folder = root / "server";
    auto host = OpenHost(operation, folder);
    Watch(root, fault);
    pipe.Send(ToJson("told", operation.act(host, folder)));
    if (ending == Ending::kKill && FaultHappened()) {
      pipe.Send(Counted());
      kill(getpid(), SIGKILL);
    }
    if (ending == Ending::kAgain) {
      pipe.Send(Counted());
      Unwatch();
      pipe.Send(ToJson("again", operation.act(host, folder)));
    }
    host.reset();
    if (ending != Ending::kAgain) pipe.Send(Counted());
  });
}

Outcome RunStart(const fs::path& root, const Fault& fault) {
  return InChild([&](const Pipe&) {
    MemoryLog log;
    Watch(root, fault);
    const auto host = server::Host::Open(root / "server", log, kProbeNow, kProbeIterations);
    Check(host.has_value(), "a server that starts");
  });
}

Outcome RunWithPowerCuts(const Operation& operation, const fs::path& root, const fs::path& images,
                         const Fault& fault) {
  return InChild([&](const Pipe& pipe) {
    const fs::path folder = root / "server";
    auto host = OpenHost(operation, folder);
    DurableImage image(root);
    std::size_t num_images = 0;
    const auto cut = [&] { image.WriteTo(images / std::to_string(++num_images)); };
    Watch(root, fault, [&](CallKind kind, const fs::path& path, std::uint64_t inode) {
      image.Take(kind, path, inode);
      if (kind == CallKind::kSync || kind == CallKind::kSyncFolder) cut();
    });
    auto told = ToJson("told", operation.act(host, folder));
    cut();
    told["images_when_told"] = static_cast<std::int64_t>(num_images);
    pipe.Send(told);
    host.reset();
    auto counted = Counted();
    counted["images"] = static_cast<std::int64_t>(num_images);
    pipe.Send(counted);
  });
}

}  // namespace countersign::testing
