#include <gtest/gtest.h>

#include <filesystem>

#include "store/agent_files.h"
#include "store/scratch_folder.h"
#include "tests/support/certificate_factory.h"

// T3, an unprivileged user on an endpoint: the agent refuses to start where such a user could
// change what it trusts, or its state, and takes no input from the one file that people may look
// at.
namespace countersign::attacks {
namespace {

namespace fs = std::filesystem;
using store::AgentFolder;

struct OpenDoor {
  const char* what;
  const char* file;  // "" is the folder
  fs::perms added;
};

constexpr OpenDoor kOpenDoors[] = {
    {"T3 may put files into the folder", "", fs::perms::others_write},
    {"T3's group may put files into the folder", "", fs::perms::group_write},
    {"T3 may replace what is trusted", "trust", fs::perms::others_write},
    {"T3's group may replace what is trusted", "trust", fs::perms::group_write},
    {"T3 may rewrite the order memory", "orders", fs::perms::others_write},
    {"T3 may reset seq", "counters", fs::perms::others_write},
    {"T3 may point the agent at another server", "agent.toml", fs::perms::others_write},
    {"T3 may read the agent key", "agent.key", fs::perms::others_read},
    {"T3's group may read the agent key", "agent.key", fs::perms::group_read},
};

class FilesTest : public ::testing::Test {
 protected:
  FilesTest() {
    for (const char* name : {"agent.toml", "trust", "orders", "counters", "agent.key"}) {
      EXPECT_TRUE(WriteFileAtomically(folder_.File(name), {}, FileMode::kPrivate).has_value());
    }
  }
  store::ScratchFolder folder_;
};

class OpenDoorTest : public FilesTest, public ::testing::WithParamInterface<OpenDoor> {};

TEST_P(OpenDoorTest, AgentRefusesToStartAndSaysWhatMendsIt) {
  const OpenDoor& door = GetParam();
  EXPECT_TRUE(AgentFolder::Open(folder_.path()).has_value());
  fs::permissions(folder_.path() / door.file, door.added, fs::perm_options::add);
  const auto opened = AgentFolder::Open(folder_.path());
  ASSERT_FALSE(opened.has_value()) << door.what;
  EXPECT_EQ(opened.error().code, Code::kPermissionDenied);
  EXPECT_NE(opened.error().next.find("chmod"), std::string::npos) << opened.error().next;
}

INSTANTIATE_TEST_SUITE_P(T3, OpenDoorTest, ::testing::ValuesIn(kOpenDoors));

TEST_F(FilesTest, CertificateThatSomebodyPutsThereIsNoInput) {
  testing::TestAuthority authority;
  const auto server = authority.MakeServerId();
  const auto state_of = [&](const testing::Identity& owner) {
    return trust::FirstTrust(
               authority.MakeServer(owner, {.server_ids = {server}, .generation = 1}).certificate,
               nullptr)
        .value();
  };
  const auto held = state_of(authority.MakeOwner());
  const auto other = state_of(authority.MakeOwner());
  const auto folder = AgentFolder::Open(folder_.path()).value();
  ASSERT_TRUE(folder->StoreTrust(held).has_value());
  const auto put = WriteFileAtomically(folder_.path() / "OfcNTCer.dat", other.certificate.der(),
                                       FileMode::kPublic);
  ASSERT_TRUE(put.has_value());
  EXPECT_EQ(trust::ParseTrustState(folder->LoadTrust().value()).value(), held);
  EXPECT_TRUE(folder->RestoreCertificateFile(held).value()) << "it is put back, and reported";
  EXPECT_EQ(ReadFile(folder_.path() / "OfcNTCer.dat", 100'000).value(), held.certificate.der());
}

}  // namespace
}  // namespace countersign::attacks
