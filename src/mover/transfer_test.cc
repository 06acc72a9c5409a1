#include "mover/transfer.h"

#include <gtest/gtest.h>

#include "store/scratch_folder.h"
#include "store/settle_move.h"
#include "tests/support/certificate_factory.h"

namespace countersign::mover {
namespace {

class TransferTest : public ::testing::Test {
 protected:
  TransferTest() {
    const auto written = WriteFileAtomically(
        scratch_.File("agent.toml"), AsBytes(store::FormatAgentConfig(now_)), FileMode::kPrivate);
    EXPECT_TRUE(written.has_value());
    folder_ = store::AgentFolder::Open(scratch_.path()).value();
    EXPECT_TRUE(folder_->StoreTrust(held_).has_value());
  }
  trust::TrustState State(const testing::Identity& owner, const ServerId& server,
                          std::uint64_t generation) {
    const auto made =
        authority_.MakeServer(owner, {.server_ids = {server}, .generation = generation});
    return trust::FirstTrust(made.certificate, nullptr).value();
  }
  Transfer Plan(const trust::TrustState& to_be) {
    return PlanTransfer(place_, now_, held_, to_be).value();
  }
  Adopt Store() {
    return [this](const trust::TrustState& state) { return folder_->StoreTrust(state); };
  }
  [[nodiscard]] trust::TrustState Stored() const {
    return trust::ParseTrustState(folder_->LoadTrust().value()).value();
  }
  [[nodiscard]] std::string Settings() const {
    return std::string(AsText(ReadFile(scratch_.File("agent.toml"), 100'000).value()));
  }
  [[nodiscard]] store::AgentConfig Config() const {
    return store::ParseAgentConfig(Settings()).value();
  }
  // Write makes `text` the settings, as their administrator would.
  void Write(const std::string& text) {
    ASSERT_TRUE(folder_->StoreConfig(text).has_value());
    now_ = Config();
  }
  [[nodiscard]] bool IsOldKept() const {
    return std::filesystem::exists(scratch_.File("agent.toml.old"));
  }

  testing::TestAuthority authority_;
  testing::Identity owner_ = authority_.MakeOwner();
  trust::TrustState held_ = State(owner_, authority_.MakeServerId(), 7);
  trust::TrustState elsewhere_ = State(authority_.MakeOwner(), authority_.MakeServerId(), 3);
  store::AgentConfig now_{.server_host = "old.example",
                          .web_keys = {Digest{1}},
                          .listen_port = 12'345,
                          .domain = "old",
                          .enrol = wire::EnrolToken{"token", Bytes(32, 7)}};
  Place place_{.host = "new.example",
               .http_port = 8081,
               .https_port = 4344,
               .tls = false,
               .listen_port = 12'346,
               .domain = "new"};
  store::ScratchFolder scratch_;
  std::unique_ptr<store::AgentFolder> folder_;
};

TEST_F(TransferTest, AnotherServerIsAMoveWithoutWhatTheOldServerGave) {
  const Transfer transfer = Plan(elsewhere_);
  EXPECT_EQ(transfer.kind, Transfer::Kind::kMove);
  EXPECT_EQ(transfer.config.server_host, "new.example");
  EXPECT_EQ(transfer.config.listen_port, 12'346);
  EXPECT_EQ(transfer.config.domain, "new");
  EXPECT_FALSE(transfer.config.tls);
  EXPECT_FALSE(transfer.config.enrol.has_value());
  EXPECT_TRUE(transfer.config.web_keys.empty());
}

TEST_F(TransferTest, SameServerIsARepairAndKeepsIt) {
  const Transfer transfer = Plan(State(owner_, held_.server, 9));
  EXPECT_EQ(transfer.kind, Transfer::Kind::kRepair);
  EXPECT_EQ(transfer.config.enrol, now_.enrol);
  EXPECT_EQ(transfer.config.web_keys, now_.web_keys);
}

TEST_F(TransferTest, CertificateThatNamesTheServerAmongOthersIsARepair) {
  const auto both = authority_.MakeServer(
      owner_, {.server_ids = {elsewhere_.server, held_.server}, .generation = 9});
  const Transfer transfer = Plan(trust::FirstTrust(both.certificate, &held_).value());
  EXPECT_EQ(transfer.kind, Transfer::Kind::kRepair);
  EXPECT_EQ(transfer.to_be.server, held_.server);
  EXPECT_EQ(transfer.config.web_keys, now_.web_keys);
}

TEST_F(TransferTest, TokenAndPinsOfThePackageHoldInBoth) {
  place_.enrol = wire::EnrolToken{"fresh", Bytes(32, 8)};
  place_.web_keys = {Digest{2}};
  for (const auto& to_be : {elsewhere_, State(owner_, held_.server, 9)}) {
    const Transfer transfer = Plan(to_be);
    EXPECT_EQ(transfer.config.enrol, place_.enrol);
    EXPECT_EQ(transfer.config.web_keys, place_.web_keys);
  }
}

TEST_F(TransferTest, WhatIsNotSaidStaysAsItIs) {
  place_ = {.host = "new.example"};
  const Transfer transfer = Plan(elsewhere_);
  EXPECT_EQ(transfer.config.listen_port, 12'345);
  EXPECT_EQ(transfer.config.domain, "old");
  EXPECT_EQ(transfer.config.tls, now_.tls);
}

TEST_F(TransferTest, WhatCannotStandInTheSettingsIsRefused) {
  place_.host = "two words";
  EXPECT_EQ(PlanTransfer(place_, now_, held_, elsewhere_).error().code, Code::kUsage);
  place_.host = "new.example";
  place_.domain = "a\nb";
  EXPECT_EQ(PlanTransfer(place_, now_, held_, elsewhere_).error().code, Code::kUsage);
}

TEST_F(TransferTest, CommitChangesTrustAndSettingsAndNotesWhoIsLeft) {
  const auto done = CommitTransfer(*folder_, Plan(elsewhere_), elsewhere_, Store());
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(done->unfinished, "");
  EXPECT_EQ(Stored(), elsewhere_);
  EXPECT_EQ(Config().server_host, "new.example");
  const auto former = store::LoadJournal(*folder_).value().former;
  ASSERT_EQ(former.size(), 1U);
  EXPECT_EQ(former.front().host, "old.example");
  EXPECT_EQ(former.front().server, held_.server);
  EXPECT_EQ(former.front().certificate, held_.certificate.der());
}

TEST_F(TransferTest, RepairWithTheCertificateHeldChangesTheSettings) {
  ASSERT_TRUE(CommitTransfer(*folder_, Plan(held_), held_, Store()).has_value());
  EXPECT_EQ(Config().server_host, "new.example");
  EXPECT_TRUE(store::LoadJournal(*folder_).value().empty());
}

TEST_F(TransferTest, NewIdentityInTheSamePlaceLeavesNobodyToBeTold) {
  place_ = {.host = now_.server_host, .http_port = now_.http_port, .https_port = now_.https_port};
  ASSERT_TRUE(CommitTransfer(*folder_, Plan(elsewhere_), elsewhere_, Store()).has_value());
  EXPECT_TRUE(store::LoadJournal(*folder_).value().empty());
}

TEST_F(TransferTest, CommentsAndOrderOfTheSettingsStay) {
  Write("# Ask Mia.\nlisten_port = 12345 # firewall\n\nserver_host = \"old\" # until May");
  place_ = {.host = "new.example"};
  ASSERT_TRUE(CommitTransfer(*folder_, Plan(elsewhere_), elsewhere_, Store()).has_value());
  EXPECT_EQ(
      Settings(),
      "# Ask Mia.\nlisten_port = 12345 # firewall\n\nserver_host = \"new.example\" # until May");
  EXPECT_FALSE(IsOldKept());
}

TEST_F(TransferTest, SettingsThatCannotBeEditedAreKeptBesideTheNewOnes) {
  const std::string text =
      "# Ask Mia.\nlisten_port = 12345\nserver_host = \"old\"\nenrol.token = \"t\"\n" +
      ("enrol.secret = \"" + std::string(43, 'A') + "\"\n");
  Write(text);
  const Transfer transfer = Plan(elsewhere_);
  ASSERT_TRUE(CommitTransfer(*folder_, transfer, elsewhere_, Store()).has_value());
  EXPECT_EQ(Config(), transfer.config);
  EXPECT_EQ(AsText(ReadFile(scratch_.File("agent.toml.old"), 100'000).value()), text);
}

TEST_F(TransferTest, SettingsThatChangedMeanwhileAreEditedAsTheyAre) {
  const Transfer transfer = Plan(elsewhere_);
  Write("# Mia was here.\nlisten_port = 1\nserver_host = \"other\"\n");
  ASSERT_TRUE(CommitTransfer(*folder_, transfer, elsewhere_, Store()).has_value());
  EXPECT_EQ(Config(), transfer.config);
  EXPECT_TRUE(Settings().starts_with("# Mia was here.\n"));
}

TEST_F(TransferTest, TrustThatIsNotReplacedLeavesEverythingAsItWas) {
  const auto refuse = [](const trust::TrustState&) -> Status {
    return Fail(Code::kIo, "the disk fails");
  };
  const auto done = CommitTransfer(*folder_, Plan(elsewhere_), elsewhere_, refuse);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().message, "the disk fails");
  EXPECT_EQ(Stored(), held_);
  EXPECT_EQ(Config(), now_);
  EXPECT_TRUE(store::LoadJournal(*folder_).value().empty());
}

TEST_F(TransferTest, ReplacementThatFailedAndHappenedIsAMove) {
  const auto lost = [this](const trust::TrustState& state) -> Status {
    EXPECT_TRUE(folder_->StoreTrust(state).has_value());
    return Fail(Code::kIo, "the answer was lost");
  };
  EXPECT_TRUE(CommitTransfer(*folder_, Plan(elsewhere_), elsewhere_, lost).has_value());
  EXPECT_EQ(Config().server_host, "new.example");
}

TEST_F(TransferTest, MovingBackTellsTheOtherAndNoMoreTheFirst) {
  ASSERT_TRUE(CommitTransfer(*folder_, Plan(elsewhere_), elsewhere_, Store()).has_value());
  const store::AgentConfig there = Config();
  const auto back = PlanTransfer({.host = "old.example"}, there, elsewhere_, held_).value();
  ASSERT_TRUE(CommitTransfer(*folder_, back, held_, Store()).has_value());
  const auto former = store::LoadJournal(*folder_).value().former;
  ASSERT_EQ(former.size(), 1U);
  EXPECT_EQ(former.front().server, elsewhere_.server);
}

}  // namespace
}  // namespace countersign::mover
