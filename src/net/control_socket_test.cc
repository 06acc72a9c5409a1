#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "base/unique_fd.h"
#include "net/control_client.h"
#include "net/control_path.h"
#include "net/control_server.h"
#include "net/test_support.h"

namespace countersign::net {
namespace {

using boost::asio::any_io_executor;
using boost::asio::awaitable;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Event;
using testing::InThread;
using testing::RunLoop;
using testing::ScratchFolder;

awaitable<ControlMessage> EchoWithPeer(ControlMessage request, PeerUid peer) {
  request.json += " from " + std::to_string(peer);
  co_return std::move(request);
}

ControlServer ListenForControl(const any_io_executor& executor, ControlServerOptions options,
                               ControlHandler handler = EchoWithPeer) {
  auto server = ControlServer::Listen(executor, std::move(options), std::move(handler));
  if (!server) ADD_FAILURE() << server.error().message;
  return std::move(server).value();
}

ControlMessage Json(std::string json) {
  ControlMessage message;
  message.json = std::move(json);
  return message;
}

// CallOnce connects, calls and returns the answer's JSON or the code of the error.
std::string CallOnce(const std::filesystem::path& folder, const ControlMessage& request,
                     milliseconds timeout = seconds(10)) {
  auto client = ControlClient::Connect(folder);
  if (!client) return std::string(CodeName(client.error().code));
  auto answer = client->Call(request, timeout);
  return answer ? answer->json : std::string(CodeName(answer.error().code));
}

// ListensUntilKilled is a process that listens on the folder's socket; returns its id.
pid_t ListensUntilKilled(const sockaddr_un& address) {
  const int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const pid_t child = fork();
  if (child == 0) {
    const bool listens =
        bind(listening, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        listen(listening, 1) == 0;
    if (listens) pause();
    _exit(1);
  }
  close(listening);
  return child;
}

class ControlSocket : public ::testing::Test {
 protected:
  [[nodiscard]] ControlServerOptions Options() const {
    ControlServerOptions options;
    options.folder = folder_.path();
    return options;
  }
  [[nodiscard]] std::filesystem::path socket_path() const {
    return folder_.path() / "control.sock";
  }
  [[nodiscard]] sockaddr_un Address() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_path().string().copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
  }
  // Connect is a client that says what it likes.
  [[nodiscard]] UniqueFd Connect() const {
    UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = Address();
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return fd;
  }
  // ReadToEnd waits until the server closes.
  [[nodiscard]] static std::string ReadToEnd(const UniqueFd& fd) {
    std::string all;
    char octet = 0;
    while (read(fd.get(), &octet, 1) == 1) all.push_back(octet);
    return all;
  }
  ScratchFolder folder_;
};

TEST_F(ControlSocket, SeveralCallsOnOneConnection) {
  RunLoop([this](any_io_executor executor) -> awaitable<void> {
    ControlServer server = ListenForControl(executor, Options());
    co_await InThread([this] {
      auto client = ControlClient::Connect(folder_.path());
      ASSERT_TRUE(client.has_value());
      ControlMessage request = Json("{}");
      request.secrets.push_back(SecretBytes::OwnText("word"));
      request.blobs.emplace_back(1'000'000, std::uint8_t{3});
      for (int i = 0; i < 3; ++i) {
        auto answer = client->Call(request, seconds(10));
        ASSERT_TRUE(answer.has_value()) << answer.error().message;
        EXPECT_EQ(answer->json, "{} from " + std::to_string(geteuid()));
        EXPECT_EQ(answer->secrets.at(0).text(), "word");
        EXPECT_EQ(answer->blobs, request.blobs);
      }
    });
    co_await server.Stop();
    EXPECT_FALSE(std::filesystem::exists(socket_path()));
  });
}

TEST_F(ControlSocket, EndOfTheOtherProcessIsAwaited) {
  const pid_t process = ListensUntilKilled(Address());
  auto client = ControlClient::Connect(folder_.path());
  for (int tries = 0; !client && tries < 1'000; ++tries) {
    usleep(10'000);
    client = ControlClient::Connect(folder_.path());
  }
  ASSERT_TRUE(client.has_value());
  EXPECT_FALSE(client->AwaitEnd(milliseconds(50)));
  kill(process, SIGKILL);
  EXPECT_TRUE(client->AwaitEnd(seconds(30)));
  int status = 0;
  EXPECT_EQ(waitpid(process, &status, 0), process);
}

TEST_F(ControlSocket, PathMayBeLongerThanASocketAddress) {
  const auto deep = folder_.path() / std::string(100, 'a') / std::string(100, 'b');
  std::filesystem::create_directories(deep);
  RunLoop([&](any_io_executor executor) -> awaitable<void> {
    ControlServerOptions options;
    options.folder = deep;
    ControlServer server = ListenForControl(executor, options);
    std::string answer;
    co_await InThread([&] { answer = CallOnce(deep, Json("x")); });
    EXPECT_TRUE(answer.starts_with("x from "));
    co_await server.Stop();
  });
}

TEST_F(ControlSocket, ModeIsPrivateAndAStaleSocketIsReplaced) {
  RunLoop([this](any_io_executor executor) -> awaitable<void> {
    {
      const UniqueFd stale(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const sockaddr_un address = Address();
      EXPECT_EQ(bind(stale.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    }
    EXPECT_EQ(CallOnce(folder_.path(), Json("x")), "unavailable");
    ControlServer server = ListenForControl(executor, Options());
    struct stat status{};
    EXPECT_EQ(stat(socket_path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    co_await server.Stop();
  });
}

TEST_F(ControlSocket, SomethingElseInItsPlaceIsLeftAlone) {
  std::ofstream(socket_path()) << "precious";
  RunLoop([this](any_io_executor executor) -> awaitable<void> {
    const auto server = ControlServer::Listen(executor, Options(), EchoWithPeer);
    EXPECT_EQ(server.error().code, Code::kAlreadyExists);
    EXPECT_EQ(std::filesystem::file_size(socket_path()), 8U);
    co_return;
  });
}

TEST_F(ControlSocket, ClientSaysWhyThereIsNobody) {
  EXPECT_EQ(CallOnce(folder_.path(), Json("x")), "unavailable");
  EXPECT_EQ(CallOnce(folder_.path() / "none", Json("x")), "not-found");
}

// AsNobody runs `work` with the rights of another user; only this thread changes its identity.
void AsNobody(const std::function<void()>& work) {
  constexpr uid_t kNobody = 65534;
  const auto change_to = [](uid_t uid) { return syscall(SYS_setresuid, -1, uid, -1); };
  ASSERT_EQ(change_to(kNobody), 0);
  work();
  ASSERT_EQ(change_to(0), 0);
}

TEST_F(ControlSocket, OtherUsersAreRefusedByTheModeAndByTheirIdentity) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
  RunLoop([this](any_io_executor executor) -> awaitable<void> {
    ControlServer server = ListenForControl(executor, Options());
    std::string by_mode;
    std::string by_identity;
    co_await InThread([&] { AsNobody([&] { by_mode = CallOnce(folder_.path(), Json("x")); }); });
    EXPECT_EQ(by_mode, "permission-denied");
    std::filesystem::permissions(socket_path(), std::filesystem::perms(0666));
    co_await InThread(
        [&] { AsNobody([&] { by_identity = CallOnce(folder_.path(), Json("x")); }); });
    EXPECT_EQ(by_identity, "unavailable");
    EXPECT_EQ(server.num_refused(), 1U);
    co_await server.Stop();
  });
}

TEST_F(ControlSocket, OwnerOfTheFolderIsAdmittedAndCheckedByTheClient) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  EXPECT_EQ(chown(folder_.path().c_str(), 65534, 65534), 0);
  RunLoop([this](any_io_executor executor) -> awaitable<void> {
    ControlServer server = ListenForControl(executor, Options());
    std::filesystem::permissions(socket_path(), std::filesystem::perms(0666));
    std::string answer;
    co_await InThread([&] { AsNobody([&] { answer = CallOnce(folder_.path(), Json("x")); }); });
    EXPECT_EQ(answer, "x from 65534");
    co_await server.Stop();
  });
}

TEST_F(ControlSocket, ConnectionsOverTheLimitAreClosed) {
  RunLoop([this](any_io_executor executor) -> awaitable<void> {
    ControlServerOptions options = Options();
    options.max_connections = 1;
    ControlServer server = ListenForControl(executor, options);
    co_await InThread([this] {
      auto first = ControlClient::Connect(folder_.path());
      EXPECT_TRUE(first->Call(Json("x"), seconds(10)).has_value());
      EXPECT_EQ(CallOnce(folder_.path(), Json("x")), "unavailable");
      EXPECT_TRUE(first->Call(Json("x"), seconds(10)).has_value());
    });
    co_await server.Stop();
  });
}

TEST_F(ControlSocket, IdleConnectionIsClosedButALongRequestIsNot) {
  RunLoop([this](any_io_executor executor) -> awaitable<void> {
    ControlServerOptions options = Options();
    options.idle_timeout = milliseconds(30);
    Event client_gave_up(executor);
    const ControlHandler slow = [&](ControlMessage request, PeerUid) -> awaitable<ControlMessage> {
      if (request.json == "slow") co_await client_gave_up.Wait();
      co_return Json("done");
    };
    ControlServer server = ListenForControl(executor, options, slow);
    std::string answer;
    co_await InThread([&] { answer = CallOnce(folder_.path(), Json("slow"), milliseconds(100)); });
    EXPECT_EQ(answer, "timed-out");
    EXPECT_EQ(server.num_connections(), 1U);  // still at work, well beyond the idle timeout
    client_gave_up.Set();
    co_await InThread([this] { EXPECT_EQ(ReadToEnd(Connect()), ""); });
    co_await server.Stop();
  });
}

TEST_F(ControlSocket, MalformedFramesAndThrowingHandlersEndTheConnection) {
  RunLoop([this](any_io_executor executor) -> awaitable<void> {
    const ControlHandler thrower = [](ControlMessage, PeerUid) -> awaitable<ControlMessage> {
      throw std::runtime_error("bug");
      co_return ControlMessage();
    };
    ControlServer server = ListenForControl(executor, Options(), thrower);
    co_await InThread([this] {
      EXPECT_EQ(CallOnce(folder_.path(), Json("x")), "unavailable");
      const UniqueFd fd = Connect();
      EXPECT_EQ(write(fd.get(), "J\xff\xff\xff\xff", 5), 5);
      EXPECT_EQ(ReadToEnd(fd), "");
    });
    co_await server.Stop();
  });
}

TEST_F(ControlSocket, StopLetsARequestFinish) {
  RunLoop([this](any_io_executor executor) -> awaitable<void> {
    Event started(executor);
    Event finish(executor);
    const ControlHandler slow = [&](ControlMessage, PeerUid) -> awaitable<ControlMessage> {
      started.Set();
      co_await finish.Wait();
      co_return Json("done");
    };
    ControlServer server = ListenForControl(executor, Options(), slow);
    Event stopped(executor);
    testing::Spawn(executor,
                   [](ControlServer& s, Event& begun, Event& end, Event& ended) -> awaitable<void> {
                     co_await begun.Wait();
                     end.Set();  // resumes the handler after Stop has begun
                     co_await s.Stop();
                     ended.Set();
                   }(server, started, finish, stopped));
    std::string answer;
    co_await InThread([&] { answer = CallOnce(folder_.path(), Json("x")); });
    EXPECT_EQ(answer, "done");
    co_await stopped.Wait();
  });
}

}  // namespace
}  // namespace countersign::net
