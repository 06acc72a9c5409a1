#include "server/drill.h"

#include "server/issuing_fixture.h"
#include "tests/support/command.h"

namespace countersign::server {
namespace {

using ::testing::Each;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DrillTest : public IssuingTest {
 protected:
  Result<std::vector<DrillStep>> Run(std::string_view password = kPassword) {
    const IdentityBook book = server_.Book();
    std::optional<Digest> reserve;
    if (book.Reserve() != nullptr) reserve = book.Reserve()->certificate.thumbprint();
    const SecretBytes secret = Secret(password);
    return DrillBackup({.scratch = folder_.path() / "drill",
                        .file = *server_.storage.content.backup,
                        .password = secret,
                        .active = book.Active()->certificate,
                        .reserve = reserve,
                        .config = config_,
                        .backup_iterations = kFewIterations},
                       server_.log, kNow + kDay);
  }
  [[nodiscard]] bool IsGone() const { return std::filesystem::is_empty(folder_.path()); }

  testing::TemporaryFolder folder_;
  ServerInMemory server_;
};

TEST_F(DrillTest, AWholeBackupPassesEveryStepAndLeavesNothing) {
  static_cast<void>(Create(server_));
  const auto before = server_.registry->ListCertificates().value();
  const auto steps = Run();
  ASSERT_TRUE(steps.has_value()) << steps.error().message;
  EXPECT_THAT(*steps, SizeIs(6));
  EXPECT_THAT(*steps, Each(Field(&DrillStep::problem, IsEmpty())));
  EXPECT_TRUE(IsGone());
  EXPECT_EQ(server_.registry->ListCertificates().value(), before);
  ExpectWhole(server_, kPassword);
}

TEST_F(DrillTest, AFollowersBackupIsAsGoodAsItsIssuers) {
  static_cast<void>(Create(server_));
  config_.follower_of = "issuer.example";
  const auto steps = Run();
  ASSERT_TRUE(steps.has_value()) << steps.error().message;
  EXPECT_THAT(*steps, SizeIs(6));
  EXPECT_THAT(*steps, Each(Field(&DrillStep::problem, IsEmpty())));
}

TEST_F(DrillTest, AnOlderBackupIsFoundOut) {
  static_cast<void>(Create(server_));
  const Bytes older = *server_.storage.content.backup;
  ASSERT_TRUE(Replace(server_, kNow).has_value());
  server_.storage.content.backup = older;
  const auto steps = Run();
  ASSERT_TRUE(steps.has_value()) << steps.error().message;
  EXPECT_THAT(steps->back().problem, HasSubstr("is in use"));
  EXPECT_TRUE(IsGone());
}

TEST_F(DrillTest, ADamagedBackupIsFoundOutAndAWrongPasswordIsAnError) {
  static_cast<void>(Create(server_));
  const auto error = FailureOf(Run("another password"));
  EXPECT_EQ(error.code, Code::kWrongPassword);
  EXPECT_THAT(error.message, HasSubstr("automatic backup"));
  server_.storage.content.backup->resize(300);
  const auto steps = Run();
  ASSERT_TRUE(steps.has_value());
  EXPECT_THAT(*steps, SizeIs(1));
  EXPECT_FALSE(steps->back().problem.empty());
  EXPECT_TRUE(IsGone());
}

}  // namespace
}  // namespace countersign::server
