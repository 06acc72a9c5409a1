#include "base/terminal.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/unique_fd.h"

namespace countersign {
namespace {

constexpr std::size_t kMaxSecretLen = 1'024;

// ReadLine reads octet by octet, so that nothing behind the line is taken from a shared input.
Result<SecretBytes> ReadLine(int fd, std::string_view what, EmptySecret empty) {
  std::array<std::uint8_t, kMaxSecretLen> line;
  std::size_t len = 0;
  Status failed;
  for (;;) {
    std::uint8_t octet = 0;
    const ssize_t got = ::read(fd, &octet, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      failed = Fail(Code::kIo, "reading " + std::string(what) + ": " + std::strerror(errno));
    if (got <= 0 || octet == '\n') break;
    if (len == line.size()) {
      failed = Fail(Code::kUsage, std::string(what) + " is longer than 1,024 octets");
      break;
    }
    line[len++] = octet;
  }
  if (len > 0 && line[len - 1] == '\r') --len;
  SecretBytes secret(ByteView(line).first(len));
  Wipe(line);
  if (!failed) return std::unexpected(std::move(failed).error());
  if (secret.empty() && empty == EmptySecret::kRefused) {
    return Fail(Code::kUsage, std::string(what) + " is empty");
  }
  return secret;
}

// NoEcho turns the echo of a terminal off for as long as it lives.
class NoEcho {
 public:
  explicit NoEcho(int fd) : fd_(fd), known_(::tcgetattr(fd, &before_) == 0) {
    if (!known_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(fd_, TCSAFLUSH, &quiet);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;
  ~NoEcho() {
    if (known_) ::tcsetattr(fd_, TCSAFLUSH, &before_);
  }

 private:
  int fd_;
  termios before_{};
  bool known_;
};

enum class Echo { kOff, kOn };

Result<SecretBytes> Ask(std::string_view prompt, Echo echo, EmptySecret empty) {
  const UniqueFd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (terminal.get() < 0) {
    return Fail(Code::kUsage, "a password is needed and there is no terminal to ask on",
                "give --password-file FILE, or - for standard input");
  }
  std::optional<NoEcho> no_echo;
  if (echo == Echo::kOff) no_echo.emplace(terminal.get());
  const auto say = [&](std::string_view text) {
    return ::write(terminal.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  };
  if (!say(prompt)) return Fail(Code::kIo, "writing to the terminal failed");
  auto line = ReadLine(terminal.get(), echo == Echo::kOff ? "the password" : "the answer", empty);
  if (echo == Echo::kOff && !say("\n")) return Fail(Code::kIo, "writing to the terminal failed");
  return line;
}

}  // namespace

bool InputIsTerminal() { return ::isatty(STDIN_FILENO) == 1; }
bool OutputIsTerminal() { return ::isatty(STDOUT_FILENO) == 1; }
bool ErrorIsTerminal() { return ::isatty(STDERR_FILENO) == 1; }

Result<SecretBytes> PromptSecret(std::string_view prompt, EmptySecret empty) {
  return Ask(prompt, Echo::kOff, empty);
}

Result<std::string> PromptText(std::string_view prompt) {
  const auto line = Ask(prompt, Echo::kOn, EmptySecret::kAllowed);
  if (!line) return std::unexpected(line.error());
  return std::string(line->text());
}

Result<SecretBytes> ReadSecretFile(const std::string& path, EmptySecret empty) {
  if (path == "-") return ReadLine(STDIN_FILENO, "the password on standard input", empty);
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    const Code code = errno == ENOENT   ? Code::kNotFound
                      : errno == EACCES ? Code::kPermissionDenied
                                        : Code::kIo;
    return Fail(code, "password file " + path + ": " + std::strerror(errno));
  }
  return ReadLine(file.get(), "the password in " + path, empty);
}

bool NamesFile(const SecretBytes& name) {
  std::array<std::uint8_t, kMaxSecretLen + 1> path{};
  if (name.empty() || name.size() > kMaxSecretLen) return false;
  std::ranges::copy(name.view(), path.begin());
  const bool there = ::access(reinterpret_cast<const char*>(path.data()), F_OK) == 0;
  Wipe(path);
  return there;
}

Result<SecretBytes> ReadSecretFd(int fd, EmptySecret empty) {
  if (::fcntl(fd, F_GETFD) < 0) {
    return Fail(Code::kUsage, "file descriptor " + std::to_string(fd) + " is not open",
                "open it for the command, like 3<FILE in a shell");
  }
  return ReadLine(fd, "the password on file descriptor " + std::to_string(fd), empty);
}

}  // namespace countersign
