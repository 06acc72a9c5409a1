#include "store/move_journal.h"

#include <gtest/gtest.h>

#include "store/scratch_folder.h"
#include "store/settle_move.h"
#include "tests/support/certificate_factory.h"

namespace countersign::store {
namespace {

class MoveJournalTest : public ::testing::Test {
 protected:
  trust::TrustState State(std::uint64_t generation, const ServerId& server,
                          const testing::Identity& owner) {
    const auto made =
        authority_.MakeServer(owner, {.server_ids = {server}, .generation = generation});
    return trust::FirstTrust(made.certificate, nullptr).value();
  }
  MoveJournal Planned() {
    MoveJournal journal;
    journal.planned = PlannedMove{.from = SideOf(old_),
                                  .to = SideOf(new_),
                                  .config = "listen_port = 12345\nserver_host = \"b\"\n",
                                  .leaves = Former(old_.server, "a")};
    journal.former = {Former(authority_.MakeServerId(), "earlier")};
    return journal;
  }
  static FormerServer Former(const ServerId& server, std::string host) {
    return {.server = server,
            .certificate = Bytes(20, 7),
            .host = std::move(host),
            .http_port = 8080,
            .https_port = 4343,
            .tries = 3,
            .tls = true};
  }

  testing::TestAuthority authority_;
  testing::Identity owner_ = authority_.MakeOwner();
  testing::Identity other_owner_ = authority_.MakeOwner();
  trust::TrustState old_ = State(7, authority_.MakeServerId(), owner_);
  trust::TrustState new_ = State(9, authority_.MakeServerId(), other_owner_);
};

TEST_F(MoveJournalTest, ComesBackAsItWas) {
  MoveJournal journal = Planned();
  EXPECT_EQ(ParseMoveJournal(EncodeMoveJournal(journal)).value(), journal);
  journal.planned->leaves.reset();
  EXPECT_EQ(ParseMoveJournal(EncodeMoveJournal(journal)).value(), journal);
  journal.planned.reset();
  EXPECT_EQ(ParseMoveJournal(EncodeMoveJournal(journal)).value(), journal);
  EXPECT_EQ(ParseMoveJournal(EncodeMoveJournal({})).value(), MoveJournal());
}

TEST_F(MoveJournalTest, ServerThatWasLeftWithoutItsCertificateIsDamage) {
  MoveJournal journal = Planned();
  journal.former.front().certificate.clear();
  EXPECT_EQ(ParseMoveJournal(EncodeMoveJournal(journal)).error().code, Code::kDamaged);
}

TEST_F(MoveJournalTest, EveryHalfAndEveryFlippedBitIsDamage) {
  const Bytes whole = EncodeMoveJournal(Planned());
  for (std::size_t len = 0; len < whole.size(); ++len) {
    EXPECT_EQ(ParseMoveJournal(ByteView(whole).first(len)).error().code, Code::kDamaged) << len;
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    Bytes changed = whole;
    changed[at] ^= 0x10;
    EXPECT_EQ(ParseMoveJournal(changed).error().code, Code::kDamaged) << at;
  }
}

TEST_F(MoveJournalTest, TheTrustStateTellsWhetherItHappened) {
  const auto planned = *Planned().planned;
  EXPECT_FALSE(HasHappened(planned, old_));
  EXPECT_TRUE(HasHappened(planned, new_));
  // Renewed since: by server and owner.
  EXPECT_TRUE(HasHappened(planned, State(12, new_.server, other_owner_)));
  EXPECT_FALSE(HasHappened(planned, State(8, old_.server, owner_)));
  EXPECT_FALSE(HasHappened(planned, State(8, authority_.MakeServerId(), owner_)));
}

TEST_F(MoveJournalTest, RepairHasHappenedOnlyWithTheVeryCertificate) {
  const trust::TrustState newer = State(8, old_.server, owner_);
  const PlannedMove repair{
      .from = SideOf(old_), .to = SideOf(newer), .config = "x", .leaves = std::nullopt};
  EXPECT_TRUE(HasHappened(repair, newer));
  EXPECT_FALSE(HasHappened(repair, old_));
  EXPECT_FALSE(HasHappened(repair, State(9, old_.server, owner_)));
}

TEST_F(MoveJournalTest, ServerThatWasLeftIsToBeToldUntilTheAgentIsBack) {
  const MoveJournal moved = Settled(Planned(), true, new_.server);
  ASSERT_EQ(moved.former.size(), 2U);
  EXPECT_EQ(moved.former.back().server, old_.server);
  EXPECT_FALSE(moved.planned);
  EXPECT_EQ(Settled(Planned(), false, old_.server).former.size(), 1U);
  EXPECT_EQ(Settled(moved, false, old_.server).former.size(), 1U) << "it has come back";
}

TEST_F(MoveJournalTest, OldestIsForgottenOverTheLimitAndNobodyIsThereTwice) {
  MoveJournal journal;
  for (std::size_t i = 0; i < kMaxFormerServers + 2; ++i) {
    journal.former.push_back(Former(authority_.MakeServerId(), "host" + std::to_string(i)));
  }
  journal.former.push_back(journal.former[3]);
  const MoveJournal settled = Settled(journal, false, new_.server);
  ASSERT_EQ(settled.former.size(), kMaxFormerServers);
  EXPECT_EQ(settled.former.front().host, "host2");
  EXPECT_EQ(settled.former.back().host, "host3");
}

// --- the folder ---

class SettleMoveTest : public MoveJournalTest {
 protected:
  SettleMoveTest() {
    const auto written =
        WriteFileAtomically(scratch_.File("agent.toml"), AsBytes("old\n"), FileMode::kPrivate);
    EXPECT_TRUE(written.has_value());
    folder_ = AgentFolder::Open(scratch_.path()).value();
  }
  [[nodiscard]] std::string Config() const {
    return std::string(AsText(ReadFile(scratch_.File("agent.toml"), 1000).value()));
  }

  ScratchFolder scratch_;
  std::unique_ptr<AgentFolder> folder_;
};

TEST_F(SettleMoveTest, WithoutAPlanNothingIsTouched) {
  EXPECT_FALSE(SettleMove(*folder_).value().happened) << "there is not even a trust state";
}

TEST_F(SettleMoveTest, PlanIsDroppedBeforeTheStep) {
  ASSERT_TRUE(folder_->StoreTrust(old_).has_value());
  ASSERT_TRUE(StoreJournal(*folder_, Planned()).has_value());
  EXPECT_FALSE(SettleMove(*folder_).value().happened);
  EXPECT_EQ(Config(), "old\n");
  EXPECT_EQ(LoadJournal(*folder_).value().former.size(), 1U);
  EXPECT_FALSE(LoadJournal(*folder_).value().planned);
}

TEST_F(SettleMoveTest, PlanIsCarriedThroughAfterTheStep) {
  ASSERT_TRUE(folder_->StoreTrust(new_).has_value());
  ASSERT_TRUE(StoreJournal(*folder_, Planned()).has_value());
  EXPECT_TRUE(SettleMove(*folder_).value().happened);
  EXPECT_EQ(Config(), Planned().planned->config);
  EXPECT_EQ(LoadJournal(*folder_).value().former.size(), 2U);
  EXPECT_FALSE(SettleMove(*folder_).value().happened) << "once";
}

TEST_F(SettleMoveTest, EmptyJournalIsNoFile) {
  ASSERT_TRUE(StoreJournal(*folder_, Planned()).has_value());
  ASSERT_TRUE(StoreJournal(*folder_, {}).has_value());
  EXPECT_FALSE(std::filesystem::exists(scratch_.File("move")));
}

TEST_F(SettleMoveTest, DamagedPlanIsNamedWithWhatToDo) {
  ASSERT_TRUE(folder_->StoreMove(AsBytes("CSMV nonsense that is long enough to be a file")));
  const auto failed = SettleMove(*folder_);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code, Code::kDamaged);
  EXPECT_NE(failed.error().next.find("remove it"), std::string::npos);
}

}  // namespace
}  // namespace countersign::store
