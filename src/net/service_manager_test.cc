#include "net/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>

#include "net/test_support.h"

namespace countersign::net {
namespace {

// FakeManager is the receiving end of $NOTIFY_SOCKET.
class FakeManager {
 public:
  explicit FakeManager(std::string name) : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, sizeof address.sun_path - 1);
    std::size_t len = offsetof(sockaddr_un, sun_path) + name.size();
    if (name.front() == '@') {
      address.sun_path[0] = '\0';
    } else {
      ++len;
    }
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), static_cast<socklen_t>(len)), 0);
  }
  FakeManager(const FakeManager&) = delete;
  FakeManager& operator=(const FakeManager&) = delete;
  ~FakeManager() { close(fd_); }

  // Received returns the next datagram, or "" if there is none.
  [[nodiscard]] std::string Received() const {
    std::array<char, 4096> buffer{};
    const ssize_t len = recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    return len < 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(len));
  }

 private:
  int fd_;
};

TEST(ServiceManager, SendsEveryStateToAPath) {
  const testing::ScratchFolder folder;
  const std::string path = (folder.path() / "notify").string();
  const FakeManager fake(path);
  const ServiceManager manager(path);
  EXPECT_TRUE(manager.NotifyReady().has_value());
  EXPECT_EQ(fake.Received(), "READY=1");
  EXPECT_TRUE(manager.NotifyStopping().has_value());
  EXPECT_EQ(fake.Received(), "STOPPING=1");
  EXPECT_TRUE(manager.NotifyWatchdog().has_value());
  EXPECT_EQ(fake.Received(), "WATCHDOG=1");
  EXPECT_TRUE(manager.NotifyReloading().has_value());
  const std::string reloading = fake.Received();
  EXPECT_TRUE(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="));
  EXPECT_GT(std::stoll(reloading.substr(reloading.rfind('=') + 1)), 0);
}

TEST(ServiceManager, SendsToAnAbstractName) {
  const std::string name = "@countersign-net-test-" + std::to_string(getpid());
  const FakeManager fake(name);
  EXPECT_TRUE(ServiceManager(name).NotifyReady().has_value());
  EXPECT_EQ(fake.Received(), "READY=1");
}

TEST(ServiceManager, StatusCannotCarryOtherAssignments) {
  const std::string name = "@countersign-net-status-" + std::to_string(getpid());
  const FakeManager fake(name);
  EXPECT_TRUE(ServiceManager(name).NotifyStatus("a\nREADY=1\tb").has_value());
  EXPECT_EQ(fake.Received(), "STATUS=a READY=1 b");
}

TEST(ServiceManager, WithoutAManagerNothingHappens) {
  const ServiceManager manager;
  EXPECT_FALSE(manager.present());
  EXPECT_TRUE(manager.NotifyReady().has_value());
  EXPECT_TRUE(manager.NotifyStatus("x").has_value());
}

TEST(ServiceManager, AddressThatCannotBeIsAnError) {
  EXPECT_EQ(ServiceManager("relative").NotifyReady().error().code, Code::kMalformed);
  EXPECT_EQ(ServiceManager("@").NotifyReady().error().code, Code::kMalformed);
  EXPECT_EQ(ServiceManager("/" + std::string(200, 'x')).NotifyReady().error().code,
            Code::kMalformed);
  const testing::ScratchFolder folder;
  EXPECT_EQ(ServiceManager((folder.path() / "nobody").string()).NotifyReady().error().code,
            Code::kIo);
}

TEST(ServiceManager, ReadsItsEnvironment) {
  setenv("NOTIFY_SOCKET", "@x", 1);
  setenv("WATCHDOG_USEC", "20000000", 1);
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  EXPECT_TRUE(ServiceManager::FromEnvironment().present());
  EXPECT_EQ(ServiceManager::FromEnvironment().watchdog_interval(), std::chrono::seconds(20));
  setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(ServiceManager::FromEnvironment().watchdog_interval(), std::nullopt);
  unsetenv("NOTIFY_SOCKET");
  unsetenv("WATCHDOG_USEC");
  unsetenv("WATCHDOG_PID");
  EXPECT_FALSE(ServiceManager::FromEnvironment().present());
}

TEST(CredentialsFolder, IsAnAbsolutePathOrNothing) {
  unsetenv("CREDENTIALS_DIRECTORY");
  EXPECT_EQ(CredentialsFolder(), std::nullopt);
  setenv("CREDENTIALS_DIRECTORY", "relative", 1);
  EXPECT_EQ(CredentialsFolder(), std::nullopt);
  setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x.service", 1);
  EXPECT_EQ(CredentialsFolder(), "/run/credentials/x.service");
  unsetenv("CREDENTIALS_DIRECTORY");
}

}  // namespace
}  // namespace countersign::net
