#include "base/run_tool.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <system_error>

#include "base/child_process.h"

namespace countersign {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

std::optional<fs::path> FindTool(const std::string& name) {
  for (const char* const folder : {"/usr/sbin", "/usr/bin", "/sbin", "/bin"}) {
    std::error_code failed;
    fs::path path = fs::path(folder) / name;
    if (fs::is_regular_file(path, failed)) return path;
  }
  return std::nullopt;
}

// Waits until there is something to look at, at most a second.
void Await(const ChildProcess& child) {
  std::array<pollfd, 2> wanted{};
  nfds_t count = 0;
  for (const int fd : {child.output_fd(), child.end_fd()}) {
    if (fd >= 0) wanted.at(count++) = {.fd = fd, .events = POLLIN, .revents = 0};
  }
  ::poll(wanted.data(), count, count == 2 ? 1'000 : 20);
}

}  // namespace

Result<ToolEnd> RunTool(const std::string& name, const std::vector<std::string>& arguments,
                        std::chrono::milliseconds most) {
  const auto program = FindTool(name);
  if (!program) return Fail(Code::kNotFound, "this system has no program " + name);
  auto child = ChildProcess::Start(
      {.program = *program,
       .arguments = arguments,
       .environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "SYSTEMD_PAGER="},
       .folder = "/",
       .input = {}});
  if (!child) return std::unexpected(std::move(child).error());
  const auto until = Clock::now() + most;
  while (!child->Step()) {
    if (Clock::now() > until) {
      child->Kill();
      return Fail(Code::kTimedOut,
                  name + " did not end within " + std::to_string(most.count() / 1'000) + " s");
    }
    Await(*child);
  }
  return ToolEnd{child->exit_code(), child->output()};
}

Status MustRunTool(const std::string& name, const std::vector<std::string>& arguments) {
  const auto end = RunTool(name, arguments);
  if (!end) return std::unexpected(end.error());
  if (end->exit_code == 0) return {};
  std::string command = name;
  for (const auto& argument : arguments) command += " " + argument;
  return Fail(Code::kIo, command + " ended with " + std::to_string(end->exit_code) + ": " +
                             end->output.substr(0, 500));
}

}  // namespace countersign
