#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"

namespace countersign {

// ChildProcessSpec says what to run. No shell, no search along a path.
struct ChildProcessSpec {
  std::filesystem::path program;         // absolute; also its argv[0]
  std::vector<std::string> arguments;    // the rest of argv
  std::vector<std::string> environment;  // all of it, "NAME=value"
  std::filesystem::path folder = "/";
  std::string input;  // its standard input, at most kMaxInput octets
};

// ChildProcess is one running program in a session and process group of its own, without a
// terminal, with no descriptor of this process beyond the first three; standard output and error
// come together. When it ends, or this object goes, what is left of its group is killed; when this
// process dies, the program is killed by the kernel. One thread, which must outlive the program.
class ChildProcess {
 public:
  static constexpr std::size_t kMaxInput = 64 * 1024;
  static constexpr std::size_t kKeptOutput = 4'096;  // of its end; all else is only counted

  // Start fails as execve does: kNotFound, kPermissionDenied (also for what is no program), kIo;
  // kUsage for a text with a NUL; kExhausted without processes, memory or descriptors.
  [[nodiscard]] static Result<ChildProcess> Start(const ChildProcessSpec& spec);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  // Step takes in some output and looks whether the program has ended; never blocks. Returns
  // ended(). Call it whenever one of the two descriptors becomes readable.
  bool Step();
  // Kill ends the whole group at once (SIGKILL); Step sees the end of it.
  void Kill();

  [[nodiscard]] bool ended() const { return pid_ < 0; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  // Descriptors to wait on, owned here: readable when there is output (-1 after its end), and when
  // the program has ended (-1 where the kernel has none: look again now and then).
  [[nodiscard]] int output_fd() const { return output_; }
  [[nodiscard]] int end_fd() const { return pidfd_; }

  // Once ended: the exit code, or -1 and the signal.
  [[nodiscard]] int exit_code() const { return exit_code_; }
  [[nodiscard]] int signal() const { return signal_; }
  [[nodiscard]] const std::string& output() const { return kept_; }  // its last octets
  [[nodiscard]] std::uint64_t output_len() const { return output_len_; }

 private:
  ChildProcess(pid_t pid, int output);
  void ReadOutput();
  void Keep(std::string_view piece);
  void Close();

  pid_t pid_ = -1;
  int pidfd_ = -1;
  int output_ = -1;
  int exit_code_ = -1;
  int signal_ = 0;
  std::string kept_;
  std::uint64_t output_len_ = 0;
};

}  // namespace countersign
