#include "store/agent_files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "store/scratch_folder.h"
#include "tests/support/certificate_factory.h"
#include "tests/support/file_permissions.h"

namespace countersign::store {
namespace {

namespace fs = std::filesystem;

class AgentFilesTest : public ::testing::Test {
 protected:
  AgentFilesTest() { Write("agent.toml", "# settings\n"); }

  void Write(const std::string& name, std::string_view text, FileMode mode = FileMode::kPrivate) {
    EXPECT_TRUE(WriteFileAtomically(folder_.File(name), AsBytes(text), mode).has_value());
  }
  [[nodiscard]] std::string Read(const std::string& name) const {
    const auto content = ReadFile(folder_.File(name), 1'000'000);
    return content ? std::string(AsText(*content)) : "(" + content.error().message + ")";
  }
  [[nodiscard]] std::unique_ptr<AgentFolder> Open() const {
    auto opened = AgentFolder::Open(folder_.path());
    EXPECT_TRUE(opened.has_value()) << opened.error().message;
    return opened ? *std::move(opened) : nullptr;
  }
  [[nodiscard]] Error OpenFails() const {
    const auto opened = AgentFolder::Open(folder_.path());
    EXPECT_FALSE(opened.has_value());
    return opened ? Error() : opened.error();
  }
  [[nodiscard]] trust::TrustState State(std::uint64_t generation) {
    const auto server =
        authority_.MakeServer(owner_, {.server_ids = {server_id_}, .generation = generation});
    return trust::FirstTrust(server.certificate, nullptr).value();
  }
  [[nodiscard]] static std::string Der(const trust::TrustState& state) {
    return std::string(AsText(state.certificate.der()));
  }

  ScratchFolder folder_;
  testing::TestAuthority authority_;
  testing::Identity owner_ = authority_.MakeOwner();
  ServerId server_id_ = authority_.MakeServerId();
};

TEST_F(AgentFilesTest, NewFolderHoldsNoTrustAndNoOrders) {
  const auto folder = Open();
  EXPECT_EQ(folder->LoadTrust().error().code, Code::kNotFound);
  EXPECT_EQ(folder->LoadOrders().value(), Bytes());
  EXPECT_EQ(folder->LoadCounters().value(), Bytes());
  EXPECT_EQ(ReadTrustForStatus(folder_.path()).error().code, Code::kNotFound);
}

TEST_F(AgentFilesTest, TrustComesBackAndTheCertificateFileShowsIt) {
  const trust::TrustState state = State(1);
  {
    const auto folder = Open();
    ASSERT_TRUE(folder->StoreTrust(State(2)).has_value());
    ASSERT_TRUE(folder->StoreTrust(state).has_value());
  }
  const auto folder = Open();
  EXPECT_EQ(trust::ParseTrustState(folder->LoadTrust().value()).value(), state);
  EXPECT_EQ(ReadTrustForStatus(folder_.path()).value(), state);
  EXPECT_EQ(Read("OfcNTCer.dat"), Der(state));
  EXPECT_EQ(fs::status(folder_.File("trust")).permissions(), testing::kPrivateFile);
  EXPECT_EQ(fs::status(folder_.File("OfcNTCer.dat")).permissions(), testing::kPublicFile);
}

TEST_F(AgentFilesTest, TrustIsStoredEvenIfTheCertificateFileCannotBe) {
  fs::create_directory(folder_.File("OfcNTCer.dat"));  // a rename cannot replace it
  const auto folder = Open();
  const trust::TrustState state = State(1);
  EXPECT_TRUE(folder->StoreTrust(state).has_value());
  EXPECT_EQ(ReadTrustForStatus(folder_.path()).value(), state);
  EXPECT_FALSE(folder->RestoreCertificateFile(state).has_value());
}

TEST_F(AgentFilesTest, OversizedTrustIsDamaged) {
  Write("trust", std::string(trust::kMaxTrustStateLen + 1, 'x'));
  EXPECT_EQ(Open()->LoadTrust().error().code, Code::kDamaged);
}

TEST_F(AgentFilesTest, OrdersAreAppendedAndReplaced) {
  const auto folder = Open();
  ASSERT_TRUE(folder->AppendOrders(AsBytes("one")).has_value());
  ASSERT_TRUE(folder->AppendOrders(AsBytes("two")).has_value());
  EXPECT_EQ(AsText(folder->LoadOrders().value()), "onetwo");
  ASSERT_TRUE(folder->ReplaceOrders(AsBytes("whole")).has_value());
  ASSERT_TRUE(folder->AppendOrders(AsBytes("+")).has_value());
  EXPECT_EQ(AsText(folder->LoadOrders().value()), "whole+");
  EXPECT_EQ(fs::status(folder_.File("orders")).permissions(), testing::kPrivateFile);
}

TEST_F(AgentFilesTest, FailedAppendIsAFailureAndTheNextOneWorks) {
  const auto folder = Open();
  fs::create_directory(folder_.File("orders"));
  EXPECT_FALSE(folder->AppendOrders(AsBytes("one")).has_value());
  fs::remove(folder_.File("orders"));
  ASSERT_TRUE(folder->ReplaceOrders(AsBytes("two")).has_value());
  ASSERT_TRUE(folder->AppendOrders(AsBytes("+")).has_value());
  EXPECT_EQ(AsText(folder->LoadOrders().value()), "two+");
}

TEST_F(AgentFilesTest, CountersAreReplaced) {
  const auto folder = Open();
  ASSERT_TRUE(folder->StoreCounters(AsBytes("1")).has_value());
  ASSERT_TRUE(folder->StoreCounters(AsBytes("2")).has_value());
  EXPECT_EQ(AsText(folder->LoadCounters().value()), "2");
  EXPECT_EQ(folder->StoreCounters(Bytes(2 * 1024 * 1024)).error().code, Code::kExhausted);
  EXPECT_EQ(AsText(folder->LoadCounters().value()), "2");
}

TEST_F(AgentFilesTest, CertificateFileIsAnOutput) {
  const auto folder = Open();
  const trust::TrustState state = State(1);
  ASSERT_TRUE(folder->StoreTrust(state).has_value());
  EXPECT_FALSE(folder->RestoreCertificateFile(state).value());
  Write("OfcNTCer.dat", Der(State(2)), FileMode::kPublic);  // somebody put another one there
  EXPECT_TRUE(folder->RestoreCertificateFile(state).value());
  EXPECT_EQ(Read("OfcNTCer.dat"), Der(state));
  Write("OfcNTCer.dat", std::string(100'000, 'x'), FileMode::kPublic);
  EXPECT_TRUE(folder->RestoreCertificateFile(state).value());
  fs::remove(folder_.File("OfcNTCer.dat"));
  EXPECT_TRUE(folder->RestoreCertificateFile(state).value());
  fs::permissions(folder_.File("OfcNTCer.dat"), testing::kPublicFile | fs::perms::group_write);
  EXPECT_TRUE(folder->RestoreCertificateFile(state).value());
  EXPECT_EQ(fs::status(folder_.File("OfcNTCer.dat")).permissions(), testing::kPublicFile);
  EXPECT_EQ(ReadTrustForStatus(folder_.path()).value(), state);
}

TEST_F(AgentFilesTest, SecondAgentOnTheFolderIsRefused) {
  const auto folder = Open();
  EXPECT_EQ(OpenFails().code, Code::kUnavailable);
}

TEST_F(AgentFilesTest, LeftoversOfAPowerCutAreRemoved) {
  Write(".trust.new-12345", "half");
  EXPECT_NE(Open(), nullptr);
  EXPECT_FALSE(fs::exists(folder_.File(".trust.new-12345")));
}

TEST_F(AgentFilesTest, FoldersOfAnotherKindAreRefusedByName) {
  fs::remove(folder_.File("agent.toml"));
  EXPECT_EQ(OpenFails().code, Code::kNotFound);
  EXPECT_NE(OpenFails().message.find("agent.toml"), std::string::npos);
  Write("countersign.toml", "");
  EXPECT_EQ(OpenFails().code, Code::kNotFound);
  EXPECT_NE(OpenFails().message.find("Countersign server"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder_.File("lock")));  // nothing is made in a folder that is not ours
  EXPECT_EQ(AgentFolder::Open(folder_.path() / "none").error().code, Code::kNotFound);
}

TEST_F(AgentFilesTest, WhoMayNotLookIsNotToldThatThereIsNoAgent) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  fs::permissions(folder_.path(), fs::perms::owner_all);
  ASSERT_EQ(::seteuid(65'534), 0);
  const auto read = ReadTrustForStatus(folder_.path());
  const auto opened = AgentFolder::Open(folder_.path());
  ASSERT_EQ(::seteuid(0), 0);
  EXPECT_EQ(read.error().code, Code::kPermissionDenied);
  EXPECT_EQ(opened.error().code, Code::kPermissionDenied);
  EXPECT_NE(opened.error().next.find("sudo"), std::string::npos) << opened.error().next;
}

TEST_F(AgentFilesTest, UnsafePermissionsAreRefusedWithTheRemedy) {
  for (const char* name : {"agent.toml", "trust", "orders", "counters", "agent.key"}) {
    Write(name, "");
    fs::permissions(folder_.File(name), testing::kPublicFile);
    EXPECT_EQ(OpenFails().code, Code::kPermissionDenied) << name;
    EXPECT_NE(OpenFails().next.find(name), std::string::npos) << OpenFails().next;
    fs::permissions(folder_.File(name), testing::kPrivateFile);
  }
  EXPECT_NE(Open(), nullptr);
  fs::permissions(folder_.path(), fs::perms::owner_all | fs::perms::group_write);
  EXPECT_EQ(OpenFails().code, Code::kPermissionDenied);
}

}  // namespace
}  // namespace countersign::store
