#include "base/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/descriptors.h"
#include "base/unique_fd.h"

namespace countersign {
namespace {

constexpr std::size_t kReadAtOnce = 64 * 1024;  // what a pipe holds
constexpr int kNotExecuted = 127;

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

std::unexpected<Error> SystemError(const std::string& what, int error) {
  Code code = Code::kIo;
  if (error == ENOENT || error == ENOTDIR) code = Code::kNotFound;
  if (error == EACCES || error == EPERM || error == ENOEXEC) code = Code::kPermissionDenied;
  if (error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE || error == E2BIG) {
    code = Code::kExhausted;
  }
  return Fail(code, what + ": " + std::strerror(error));
}

Result<Pipe> MakePipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return SystemError("pipe", errno);
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// The input as a file in memory: nobody has to feed it while the program runs.
Result<UniqueFd> MakeInput(const std::string& input) {
  if (input.empty()) {
    UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (null.get() < 0) return SystemError("/dev/null", errno);
    return null;
  }
  UniqueFd file(::memfd_create("countersign-input", MFD_CLOEXEC));
  if (file.get() < 0) return SystemError("memfd", errno);
  for (std::size_t done = 0; done < input.size();) {
    const auto written = ::write(file.get(), input.data() + done, input.size() - done);
    if (written <= 0) return SystemError("memfd", written < 0 ? errno : EIO);
    done += static_cast<std::size_t>(written);
  }
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return SystemError("memfd", errno);
  return file;
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const auto& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// What the child needs, made before the fork: after it only async-signal-safe calls are allowed,
// since another thread may have held any lock.
struct Plan {
  const char* program;
  const char* folder;
  char* const* argv;
  char* const* envp;
  int input;
  int output;
  int failed;  // gets a NotStarted if it comes to no execve
  pid_t parent;
};

struct NotStarted {
  int error;
  int by_folder;  // whether it is the folder's
};

[[noreturn]] void Report(int fd, int error, bool by_folder = false) {
  const NotStarted reason{error, by_folder ? 1 : 0};
  (void)!::write(fd, &reason, sizeof(reason));
  ::_exit(kNotExecuted);
}

[[noreturn]] void BecomeProgram(const Plan& plan) {
  ::setsid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (::getppid() != plan.parent) ::_exit(kNotExecuted);  // it died before that
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::umask(022);
  if (::chdir(plan.folder) != 0) Report(plan.failed, errno, true);
  // The sources are beyond 2: dup2 would not clear the close-on-exec flag of a descriptor onto
  // itself.
  if (::dup2(plan.input, 0) < 0 || ::dup2(plan.output, 1) < 0 || ::dup2(plan.output, 2) < 0) {
    Report(plan.failed, errno);
  }
  CloseOnExecFrom(3);
  ::execve(plan.program, plan.argv, plan.envp);
  Report(plan.failed, errno);
}

// MoveUp gives a descriptor a number beyond the first three, if it has one of them.
Status MoveUp(UniqueFd& descriptor) {
  if (descriptor.get() > 2) return {};
  UniqueFd moved(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 3));
  if (moved.get() < 0) return SystemError("descriptor", errno);
  descriptor = std::move(moved);
  return {};
}

bool HasNul(const ChildProcessSpec& spec) {
  const auto has = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  return has(spec.program.native()) || has(spec.folder.native()) ||
         std::ranges::any_of(spec.arguments, has) || std::ranges::any_of(spec.environment, has);
}

}  // namespace

Result<ChildProcess> ChildProcess::Start(const ChildProcessSpec& spec) {
  const std::string name = spec.program.string();
  if (!spec.program.is_absolute() || HasNul(spec) || spec.input.size() > kMaxInput) {
    return Fail(Code::kUsage, name + ": an absolute path, no NUL and at most 64 KiB are expected");
  }
  auto input = MakeInput(spec.input);
  if (!input) return std::unexpected(std::move(input).error());
  auto output = MakePipe();
  if (!output) return std::unexpected(std::move(output).error());
  auto failed = MakePipe();
  if (!failed) return std::unexpected(std::move(failed).error());
  for (auto* const one : {&*input, &output->write, &failed->write}) {
    COUNTERSIGN_RETURN_IF_ERROR(MoveUp(*one));
  }
  ::fcntl(output->read.get(), F_SETFL, O_NONBLOCK);

  std::vector<std::string> words{name};
  words.insert(words.end(), spec.arguments.begin(), spec.arguments.end());
  const auto argv = Pointers(words);
  const auto envp = Pointers(spec.environment);
  const Plan plan{name.c_str(), spec.folder.c_str(), argv.data(),         envp.data(),
                  input->get(), output->write.get(), failed->write.get(), ::getpid()};
  const pid_t pid = ::fork();
  if (pid < 0) return SystemError(name, errno);
  if (pid == 0) BecomeProgram(plan);
  ChildProcess child(pid, output->read.Release());
  failed->write = UniqueFd();
  output->write = UniqueFd();
  // Ends with the execve, which closes it, or has the reason why there was none.
  NotStarted reason{};
  ssize_t got = 0;
  do {
    got = ::read(failed->read.get(), &reason, sizeof(reason));
  } while (got < 0 && errno == EINTR);
  if (got == sizeof(reason)) {
    const bool by_folder = reason.by_folder != 0;
    return SystemError(by_folder ? "the folder of " + name + ", " + spec.folder.string() : name,
                       reason.error);
  }
  return child;
}

ChildProcess::ChildProcess(pid_t pid, int output)
    : pid_(pid), pidfd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))), output_(output) {}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::exchange(other.pidfd_, -1)),
      output_(std::exchange(other.output_, -1)),
      exit_code_(other.exit_code_),
      signal_(other.signal_),
      kept_(std::move(other.kept_)),
      output_len_(other.output_len_) {}

ChildProcess::~ChildProcess() {
  if (pid_ > 0) {
    Kill();
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  Close();
}

void ChildProcess::Close() {
  if (pidfd_ >= 0) ::close(pidfd_);
  if (output_ >= 0) ::close(output_);
  pidfd_ = output_ = -1;
}

void ChildProcess::Kill() {
  if (pid_ > 0) ::kill(-pid_, SIGKILL);
}

bool ChildProcess::Step() {
  if (ended()) return true;
  siginfo_t info{};
  // Left unreaped at first: as long as its number is taken, so is that of its group.
  const bool gone =
      ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
      info.si_pid == pid_;
  if (gone) Kill();
  ReadOutput();
  if (!gone) return false;
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) exit_code_ = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) signal_ = WTERMSIG(status);
  pid_ = -1;
  Close();
  return true;
}

// Bounded: a program that writes without end does not keep its reader.
void ChildProcess::ReadOutput() {
  std::array<char, 4096> piece{};
  for (std::size_t done = 0; output_ >= 0 && done < kReadAtOnce;) {
    const auto got = ::read(output_, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return;  // nothing there now
    if (got == 0) {
      ::close(std::exchange(output_, -1));
      return;
    }
    Keep({piece.data(), static_cast<std::size_t>(got)});
    done += static_cast<std::size_t>(got);
  }
}

void ChildProcess::Keep(std::string_view piece) {
  output_len_ += piece.size();
  kept_ += piece;
  if (kept_.size() > kKeptOutput) kept_.erase(0, kept_.size() - kKeptOutput);
}

}  // namespace countersign
