#include "tests/durability/daemon_under_test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <thread>
#include <utility>

namespace countersign::testing {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{60};  // reached only when something is wrong

class Socket {
 public:
  Socket() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    Check(fd_ >= 0, "a socket");
    const timeval limit{.tv_sec = kPatience.count(), .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { close(fd_); }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

sockaddr_in Address(std::string_view host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  Check(inet_pton(AF_INET, std::string(host).c_str(), &address.sin_addr) == 1, "an address");
  return address;
}

const sockaddr* AsGeneric(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);  // NOLINT: as the system wants it
}

bool Connects(const Socket& to, std::uint16_t port) {
  const sockaddr_in server = Address("127.0.0.1", port);
  return connect(to.fd(), AsGeneric(server), sizeof server) == 0;
}

HttpAnswer ParseAnswer(std::string_view text) {
  HttpAnswer answer;
  constexpr std::string_view kBegin = "HTTP/1.1 ";
  const std::size_t end = text.find("\r\n\r\n");
  if (!text.starts_with(kBegin) || end == std::string_view::npos) return answer;
  const std::string_view number = text.substr(kBegin.size(), 3);
  std::from_chars(number.data(), number.data() + number.size(), answer.status);
  answer.body = text.substr(end + 4);
  return answer;
}

}  // namespace

DaemonUnderTest::DaemonUnderTest(std::filesystem::path program, std::filesystem::path folder,
                                 std::filesystem::path log, std::uint16_t port)
    : program_(std::move(program)), folder_(std::move(folder)), log_(std::move(log)), port_(port) {}

DaemonUnderTest::~DaemonUnderTest() { Kill(); }

void DaemonUnderTest::Start() {
  const int log = open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  Check(log >= 0, "a log");
  std::string program = program_.string();
  std::string option = "--data";
  std::string folder = folder_.string();
  std::array<char*, 4> arguments = {program.data(), option.data(), folder.data(), nullptr};
  pid_ = fork();
  Check(pid_ >= 0, "a process");
  if (pid_ == 0) {
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execv(program.c_str(), arguments.data());
    _exit(127);
  }
  close(log);
}

bool DaemonUnderTest::AwaitServing() {
  for (const auto end = Clock::now() + kPatience; Clock::now() < end;) {
    // It listens before its loop runs, and takes signals from then on only.
    if (PostJose(port_, "127.0.0.1", "/countersign/v1/report", "-").status != 0) return true;
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = 0;
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
  }
  return false;
}

bool DaemonUnderTest::Kill() {
  if (pid_ == 0) return false;
  kill(pid_, SIGKILL);
  int status = 0;
  waitpid(std::exchange(pid_, 0), &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

int DaemonUnderTest::Stop() {
  kill(pid_, SIGTERM);
  int status = 0;
  waitpid(std::exchange(pid_, 0), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::uint16_t FreePort() {
  const Socket probe;
  sockaddr_in address = Address("127.0.0.1", 0);
  socklen_t len = sizeof address;
  Check(bind(probe.fd(), AsGeneric(address), len) == 0, "a port");
  Check(getsockname(probe.fd(), reinterpret_cast<sockaddr*>(&address), &len) == 0,  // NOLINT
        "its number");
  return ntohs(address.sin_port);
}

HttpAnswer PostJose(std::uint16_t port, std::string_view source, std::string_view path,
                    std::string_view message) {
  const Socket connection;
  const sockaddr_in from = Address(source, 0);
  Check(bind(connection.fd(), AsGeneric(from), sizeof from) == 0, "an address of the loopback");
  if (!Connects(connection, port)) return {};
  std::string request = "POST " + std::string(path) +
                        " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                        "Content-Type: application/jose\r\nContent-Length: " +
                        std::to_string(message.size()) + "\r\n\r\n" + std::string(message);
  for (std::size_t sent = 0; sent < request.size();) {
    const ssize_t len =
        send(connection.fd(), request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (len <= 0) return {};
    sent += static_cast<std::size_t>(len);
  }
  std::string text;
  std::array<char, 16'384> part{};
  for (ssize_t len = 0; (len = recv(connection.fd(), part.data(), part.size(), 0)) > 0;) {
    text.append(part.data(), static_cast<std::size_t>(len));
  }
  return ParseAnswer(text);
}

}  // namespace countersign::testing
