#include "server/reminders.h"

#include "server/issuing_fixture.h"
#include "server/rollout.h"

namespace countersign::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RemindersTest : public IssuingTest {
 protected:
  void SetUp() override { static_cast<void>(Create(server_)); }
  std::vector<std::string> Kinds(Instant now) {
    std::vector<std::string> kinds;
    for (const auto& reminder : RemindersOf(server_.Book(), config_, now)) {
      kinds.push_back(reminder.kind);
    }
    return kinds;
  }
  // Tell is one tick of the server; how many events there are then.
  std::size_t Tell(Instant now) {
    EXPECT_TRUE(
        TellDue(server_.world(), RemindersOf(server_.Book(), config_, now), now).has_value());
    return server_.registry->ListEvents(0, 10'000)->size();
  }
  void LoseReserve() {
    ASSERT_TRUE(PromoteReserve(server_.world(), kNow + kDay).has_value());
    end_ = server_.Book().Active()->certificate.not_after();
  }
  ServerInMemory server_;
  Instant end_;
};

TEST_F(RemindersTest, NothingWhileAllIsWell) { EXPECT_THAT(Kinds(kNow), IsEmpty()); }

TEST_F(RemindersTest, EachDayOfWarningIsToldOnce) {
  end_ = server_.Book().Active()->certificate.not_after();
  const std::size_t before = Tell(end_ - 91 * kDay);
  std::size_t expected = before;
  for (const int days : {90, 60, 30, 7, 1}) {
    ++expected;
    EXPECT_EQ(Tell(end_ - days * kDay), expected) << days;
    EXPECT_EQ(Tell(end_ - days * kDay + Seconds(3'600)), expected) << "once";
  }
}

TEST_F(RemindersTest, AServerThatSleptTellsTheNearestDayOnly) {
  end_ = server_.Book().Active()->certificate.not_after();
  const std::size_t before = Tell(kNow);
  EXPECT_EQ(Tell(end_ - 5 * kDay), before + 1);
  EXPECT_THAT(server_.registry->ListEvents(0, 10'000)->back().text, HasSubstr("at most 7 days"));
}

TEST_F(RemindersTest, ARolloutMustEndBeforeTheActiveCertificate) {
  end_ = server_.Book().Active()->certificate.not_after();
  ASSERT_TRUE(StartRollout(server_.world(), config_, nullptr, {}, ClockIsRight::kNo, kNow + kDay)
                  .has_value());
  EXPECT_THAT(Kinds(end_ - 91 * kDay), ElementsAre("no-reserve"));
  EXPECT_THAT(Kinds(end_ - 90 * kDay),
              ElementsAre("certificate-expiring", "rollout-must-end", "no-reserve"));
  const std::size_t first = Tell(end_ - 89 * kDay);
  EXPECT_EQ(Tell(end_ - 89 * kDay + Seconds(3'600)), first);
  EXPECT_EQ(Tell(end_ - 88 * kDay), first + 2) << "daily, as that there is no reserve";
}

TEST_F(RemindersTest, ExpiredIsToldDaily) {
  LoseReserve();
  EXPECT_THAT(Kinds(end_ + Seconds(1)), ElementsAre("certificate-expired"));
  const std::size_t first = Tell(end_ + kDay);
  EXPECT_EQ(Tell(end_ + kDay + Seconds(60)), first);
  EXPECT_EQ(Tell(end_ + 2 * kDay), first + 1);
}

TEST_F(RemindersTest, NoReserveIsToldDailyWithTheDayAndTheWayOut) {
  LoseReserve();
  const auto reminders = RemindersOf(server_.Book(), config_, kNow + 2 * kDay);
  ASSERT_EQ(reminders.size(), 1U);
  EXPECT_THAT(reminders[0].text, HasSubstr(FormatUtc(end_)));
  EXPECT_THAT(reminders[0].next, HasSubstr("countersign backup password"));
  const std::size_t first = Tell(kNow + 2 * kDay);
  EXPECT_EQ(Tell(kNow + 3 * kDay), first + 1);
  ASSERT_TRUE(ChangeBackupPassword(server_.world(), config_, Secret(kPassword), Secret(kPassword),
                                   kNow + 4 * kDay)
                  .has_value());
  EXPECT_THAT(Kinds(kNow + 5 * kDay), IsEmpty());
}

TEST_F(RemindersTest, AFollowerHasTheReserveOfItsIssuer) {
  LoseReserve();
  config_.follower_of = "issuer.example";
  EXPECT_THAT(Kinds(kNow + 2 * kDay), IsEmpty());
  const auto reminders = RemindersOf(server_.Book(), config_, end_ - kDay);
  ASSERT_EQ(reminders.size(), 1U);
  EXPECT_THAT(reminders[0].next, HasSubstr("on issuer.example"));
}

TEST_F(RemindersTest, AClockSetBackDoesNotSilence) {
  LoseReserve();
  const std::size_t first = Tell(kNow + 20 * kDay);
  EXPECT_EQ(Tell(kNow + 2 * kDay), first + 1);
}

TEST_F(RemindersTest, BackupIsRemindedOfWeeklyAndWhenMissingDaily) {
  const auto tell = [&](Instant now) {
    const auto age = AgeOfBackup(server_.world(), now);
    EXPECT_TRUE(TellDue(server_.world(), RemindersOf(*age), now).has_value());
    return server_.registry->ListEvents(0, 10'000)->size();
  };
  const std::size_t first = tell(kNow);
  EXPECT_EQ(server_.registry->ListEvents(0, 10'000)->back().kind, "backup-unverified");
  EXPECT_EQ(tell(kNow + 6 * kDay), first);
  EXPECT_EQ(tell(kNow + 7 * kDay), first + 1);
  server_.storage.content.backup.reset();
  EXPECT_EQ(tell(kNow + 8 * kDay), first + 2);
  EXPECT_EQ(server_.registry->ListEvents(0, 10'000)->back().kind, "backup-missing");
  EXPECT_EQ(tell(kNow + 9 * kDay), first + 3);
}

}  // namespace
}  // namespace countersign::server
