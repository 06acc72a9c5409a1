#include "base/child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

#include "base/bytes.h"
#include "base/files.h"

namespace countersign {
namespace {

namespace fs = std::filesystem;

// Patience is only used up when something is wrong.
constexpr auto kPatience = std::chrono::seconds(30);

void RunToEnd(ChildProcess& child) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!child.Step()) {
    ASSERT_LT(std::chrono::steady_clock::now(), until) << "the program does not end";
    pollfd wait{child.output_fd() >= 0 ? child.output_fd() : child.end_fd(), POLLIN, 0};
    ::poll(&wait, 1, 20);
  }
}

ChildProcessSpec Shell(std::string script, std::string input = {}) {
  ChildProcessSpec spec;
  spec.program = "/bin/sh";
  spec.arguments = {"-c", std::move(script)};
  spec.environment = {"PATH=/usr/bin:/bin", "MARK=of the test"};
  spec.input = std::move(input);
  return spec;
}

Result<ChildProcess> RunAll(const ChildProcessSpec& spec) {
  auto child = ChildProcess::Start(spec);
  if (child) RunToEnd(*child);
  return child;
}

TEST(ChildProcessTest, ExitCodeAndOutput) {
  const auto child = RunAll(Shell("echo out; echo err >&2; exit 3"));
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_EQ(child->exit_code(), 3);
  EXPECT_EQ(child->signal(), 0);
  EXPECT_EQ(child->output(), "out\nerr\n");
  EXPECT_EQ(child->output_len(), 8U);
}

TEST(ChildProcessTest, ArgumentsAreNotInterpreted) {
  ChildProcessSpec spec;
  spec.program = "/usr/bin/printf";
  spec.arguments = {"%s|", "a b", "$HOME; id", "*", ""};
  const auto child = RunAll(spec);
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_EQ(child->output(), "a b|$HOME; id|*||");
}

TEST(ChildProcessTest, InputFolderAndEnvironmentAreThoseOfTheSpec) {
  auto spec = Shell("cat; pwd; env | grep -v ^PWD= | sort; umask", "given\n");
  spec.folder = "/usr";
  const auto child = RunAll(spec);
  ASSERT_TRUE(child) << child.error().message;
  const std::string& output = child->output();
  EXPECT_TRUE(output.starts_with("given\n/usr\n")) << output;
  EXPECT_NE(output.find("MARK=of the test\n"), std::string::npos) << output;
  EXPECT_EQ(output.find("HOME="), std::string::npos) << output;
  EXPECT_TRUE(output.ends_with("0022\n")) << output;
}

TEST(ChildProcessTest, InputMayBeLargerThanAPipe) {
  const auto child = RunAll(Shell("wc -c", std::string(ChildProcess::kMaxInput, 'x')));
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_EQ(std::stoul(child->output()), ChildProcess::kMaxInput);
}

TEST(ChildProcessTest, NoDescriptorTerminalOrSignalMaskIsHandedOn) {
  const int leak = ::open("/dev/null", O_RDONLY);  // without close-on-exec
  ASSERT_GT(leak, 2);
  ::signal(SIGPIPE, SIG_IGN);
  const auto child = RunAll(Shell(
      "ls /proc/self/fd | wc -l; readlink /proc/self/fd/0; awk '/^SigIgn|^SigBlk/ {print $2}' "
      "/proc/self/status; (echo > /dev/tty) 2> /dev/null && echo a terminal"));
  ::signal(SIGPIPE, SIG_DFL);
  ::close(leak);
  ASSERT_TRUE(child) << child.error().message;
  // 0, 1, 2, and the one with which ls reads the folder.
  EXPECT_EQ(child->output(), "4\n/dev/null\n0000000000000000\n0000000000000000\n");
}

TEST(ChildProcessTest, OnlyTheEndOfTheOutputIsKept) {
  const auto child = RunAll(Shell("head -c 1000000 /dev/zero | tr '\\0' x; echo; echo the end"));
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_EQ(child->output_len(), 1'000'009U);
  EXPECT_EQ(child->output().size(), ChildProcess::kKeptOutput);
  EXPECT_TRUE(child->output().ends_with("x\nthe end\n"));
}

// It may stay for a moment as a zombie of init's, or of nobody's in a container without one.
void ExpectGone(pid_t pid) {
  const auto runs = [&] {
    const auto stat = ReadFile("/proc/" + std::to_string(pid) + "/stat", 4096);
    return stat && AsText(*stat).find(") Z ") == std::string_view::npos;
  };
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (runs() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_FALSE(runs());
}

TEST(ChildProcessTest, KillEndsTheChildrenToo) {
  auto child = ChildProcess::Start(Shell("sleep 1000 & echo $!; sleep 1000"));
  ASSERT_TRUE(child) << child.error().message;
  while (child->output().find('\n') == std::string::npos) child->Step();
  const pid_t grandchild = std::stoi(child->output());
  child->Kill();
  RunToEnd(*child);
  EXPECT_EQ(child->exit_code(), -1);
  EXPECT_EQ(child->signal(), SIGKILL);
  ExpectGone(grandchild);
}

TEST(ChildProcessTest, ItsEndIsTheEndOfWhatItLeavesBehind) {
  // The one in the background holds the pipe open, and nobody waits for it.
  const auto child = RunAll(Shell("sleep 1000 & echo $!"));
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_EQ(child->exit_code(), 0);
  ExpectGone(std::stoi(child->output()));
}

TEST(ChildProcessTest, WhoGoesTakesItAlong) {
  pid_t pid = -1;
  {
    const auto child = ChildProcess::Start(Shell("sleep 1000"));
    ASSERT_TRUE(child) << child.error().message;
    pid = child->pid();
    ASSERT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST(ChildProcessTest, WhatCannotBeRunIsSaidAtOnce) {
  const auto error = [](const fs::path& program) {
    ChildProcessSpec spec;
    spec.program = program;
    const auto child = ChildProcess::Start(spec);
    return child ? Code::kInternal : child.error().code;
  };
  EXPECT_EQ(error("/nowhere/program"), Code::kNotFound);
  EXPECT_EQ(error("/etc/passwd"), Code::kPermissionDenied);
  EXPECT_EQ(error("/"), Code::kPermissionDenied);
  EXPECT_EQ(error("sh"), Code::kUsage);
  EXPECT_EQ(error(std::string("/bin/sh\0x", 9)), Code::kUsage);
  auto spec = Shell("true");
  spec.folder = "/nowhere";
  const auto child = ChildProcess::Start(spec);
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, Code::kNotFound);
  EXPECT_EQ(child.error().message, "the folder of /bin/sh, /nowhere: No such file or directory");
}

}  // namespace
}  // namespace countersign
