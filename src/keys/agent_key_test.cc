#include "keys/agent_key.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <string>
#include <system_error>

#include "base/files.h"
#include "tests/support/file_permissions.h"

namespace countersign::keys {
namespace {

namespace fs = std::filesystem;

class AgentKeyTest : public ::testing::Test {
 protected:
  AgentKeyTest() {
    std::random_device random;
    folder_ = fs::temp_directory_path() / ("countersign-agent-key-" + std::to_string(random()) +
                                           "-" + std::to_string(random()));
    Check(MakePrivateFolder(folder_).has_value(), "a scratch folder");
  }
  ~AgentKeyTest() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  [[nodiscard]] fs::path path() const { return folder_ / "agent.key"; }
  fs::path folder_;
};

TEST_F(AgentKeyTest, CreatedKeyComesBack) {
  const auto created = CreateAgentKey(path());
  ASSERT_TRUE(created.has_value()) << created.error().message;
  EXPECT_EQ(created->public_key().kind(), crypto::KeyKind::kP256);
  EXPECT_EQ(fs::status(path()).permissions(), testing::kPrivateFile);
  EXPECT_EQ(LoadAgentKey(path())->public_key(), created->public_key());
}

TEST_F(AgentKeyTest, KeyIsNeverOverwritten) {
  const auto created = CreateAgentKey(path());
  EXPECT_EQ(CreateAgentKey(path()).error().code, Code::kAlreadyExists);
  EXPECT_EQ(LoadAgentKey(path())->public_key(), created->public_key());
}

TEST_F(AgentKeyTest, MissingDamagedAndReadableKeysAreToldApart) {
  EXPECT_EQ(LoadAgentKey(path()).error().code, Code::kNotFound);
  ASSERT_TRUE(WriteFileAtomically(path(), AsBytes("junk"), FileMode::kPrivate).has_value());
  EXPECT_EQ(LoadAgentKey(path()).error().code, Code::kDamaged);
  fs::permissions(path(), testing::kPrivateFile | fs::perms::others_read);
  const auto readable = LoadAgentKey(path());
  EXPECT_EQ(readable.error().code, Code::kPermissionDenied);
  EXPECT_FALSE(readable.error().next.empty());
}

TEST_F(AgentKeyTest, KeyOfAnotherKindIsDamaged) {
  const auto other = crypto::PrivateKey::Generate(crypto::KeyKind::kP384);
  const SecretBytes der = other->ToPkcs8(KeyExportToken());
  ASSERT_TRUE(WriteFileAtomically(path(), der.view(), FileMode::kPrivate).has_value());
  EXPECT_EQ(LoadAgentKey(path()).error().code, Code::kDamaged);
}

}  // namespace
}  // namespace countersign::keys
