#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"

namespace countersign::testing {

// DaemonUnderTest is a countersignd in a process of its own, which is killed again and again.
class DaemonUnderTest {
 public:
  // `log` is appended to.
  DaemonUnderTest(std::filesystem::path program, std::filesystem::path folder,
                  std::filesystem::path log, std::uint16_t port);
  DaemonUnderTest(const DaemonUnderTest&) = delete;
  DaemonUnderTest& operator=(const DaemonUnderTest&) = delete;
  ~DaemonUnderTest();

  void Start();
  // AwaitServing returns whether it answers before it ends, or the patience does.
  [[nodiscard]] bool AwaitServing();
  // Kill is SIGKILL, and waits for the end. False if it had ended by itself.
  bool Kill();
  // Stop is SIGTERM; the exit code.
  int Stop();

 private:
  std::filesystem::path program_;
  std::filesystem::path folder_;
  std::filesystem::path log_;
  std::uint16_t port_;
  pid_t pid_ = 0;
};

// FreePort is a TCP port of the loopback that nobody listens on now.
[[nodiscard]] std::uint16_t FreePort();

struct HttpAnswer {
  int status = 0;  // 0: none came
  std::string body;
};
// PostJose posts a message from a source address and reads the answer to the end of the connection.
[[nodiscard]] HttpAnswer PostJose(std::uint16_t port, std::string_view source,
                                  std::string_view path, std::string_view message);

}  // namespace countersign::testing
