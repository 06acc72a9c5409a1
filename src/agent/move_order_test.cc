#include "agent/move_order.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "tests/support/agent_bench.h"
#include "wire/move_target.h"
#include "wire/warrant.h"

namespace countersign::agent {
namespace {

using testing::Identity;
using trust::Verdict;

// An agent of one owner, and the server of another to which that owner's warrant sends it.
class OrderToMoveTest : public ::testing::Test {
 protected:
  OrderToMoveTest() { bench_.Start(); }

  [[nodiscard]] wire::Warrant Draft() {
    return {.x5c = bench_.owner.certificate.der(),
            .jti = bench_.random.Token(),
            .iat = Unix(),
            .exp = Unix() + 86'400,
            .server = bench_.server_id,
            .act = wire::WarrantAct::kMove,
            .agents = {bench_.id},
            .target = wire::MoveTarget{.server = target_id_,
                                       .owner = target_owner_.key.public_key().digest(),
                                       .generation = 7,
                                       .addresses = {"new.example:8080", "10.0.0.9"}}};
  }
  [[nodiscard]] std::uint64_t Unix() const {
    return static_cast<std::uint64_t>(ToUnix(bench_.now.wall));
  }
  [[nodiscard]] std::string Sign(const wire::Warrant& warrant) const {
    return wire::SignWarrant(warrant, bench_.owner.key).value();
  }
  [[nodiscard]] std::string Args(const std::string& warrant) const {
    return wire::FormatMoveArgs(
        {.warrant = warrant,
         .bundle = {target_.certificate.der(), target_owner_.certificate.der()}});
  }
  // The order goes through the listener; what the agent left to the daemon, if anything.
  [[nodiscard]] std::vector<Task> Give(const std::string& args) {
    wire::Order order = bench_.Order("move");
    order.args = args;
    answer_ = bench_.Give(bench_.Sign(order, bench_.server.key));
    return bench_.agent().TakeTasks();
  }
  [[nodiscard]] Verdict GivenVerdict(const std::string& args) {
    EXPECT_TRUE(Give(args).empty());
    return bench_.Read(answer_.receipt).verdict;
  }
  [[nodiscard]] std::string Reason() const {
    const auto result = boost::json::parse(bench_.Read(answer_.receipt).result);
    return std::string(result.at("reason").as_string());
  }

  testing::AgentBench bench_;
  Identity target_owner_ = bench_.authority.MakeOwner();
  ServerId target_id_ = bench_.authority.MakeServerId();
  Identity target_ =
      bench_.authority.MakeServer(target_owner_, {.server_ids = {target_id_}, .generation = 7});
  OrderAnswer answer_;
};

TEST_F(OrderToMoveTest, WarrantAndBundleBecomeATask) {
  const wire::Warrant warrant = Draft();
  const auto tasks = Give(Args(Sign(warrant)));
  ASSERT_EQ(tasks.size(), 1U);
  EXPECT_TRUE(answer_.pending.has_value());
  const auto& move = std::get<MoveAgent>(tasks.front().deed);
  EXPECT_EQ(move.addresses, warrant.target->addresses);
  EXPECT_EQ(move.held, bench_.agent().trust());
  EXPECT_EQ(move.to_be.server, target_id_);
  EXPECT_EQ(move.to_be.certificate, target_.certificate);
  EXPECT_TRUE(move.to_be.HasSpent(warrant.jti));
  // Nothing has changed yet.
  EXPECT_EQ(bench_.agent().trust().server, bench_.server_id);
}

TEST_F(OrderToMoveTest, ReceiptOfAMoveIsForTheServerThatGaveTheOrder) {
  const auto tasks = Give(Args(Sign(Draft())));
  ASSERT_EQ(tasks.size(), 1U);
  const auto& move = std::get<MoveAgent>(tasks.front().deed);
  ASSERT_TRUE(bench_.agent().AdoptTrust(move.to_be, bench_.now).has_value());
  bench_.agent().EndAct(tasks.front().jti, Verdict::kDone,
                        MovedResult(bench_.agent().trust(), "new.example:8080"), bench_.now);
  const auto receipt = bench_.agent().PendingReceipt(tasks.front().jti, bench_.now);
  ASSERT_TRUE(receipt.has_value());
  const auto read = bench_.Read(*receipt);
  EXPECT_EQ(read.verdict, Verdict::kDone);
  EXPECT_EQ(read.aud, bench_.server_id);
  EXPECT_EQ(read.held.server, target_id_);
}

TEST_F(OrderToMoveTest, NoWarrantIsABadOne) {
  EXPECT_EQ(GivenVerdict(""), Verdict::kBadWarrant);
  EXPECT_EQ(GivenVerdict(R"({"to":"new.example"})"), Verdict::kBadWarrant);
  EXPECT_EQ(GivenVerdict(Args("")), Verdict::kBadWarrant);
}

TEST_F(OrderToMoveTest, WarrantOfAnotherOwnerIsBad) {
  wire::Warrant warrant = Draft();
  warrant.x5c = target_owner_.certificate.der();
  EXPECT_EQ(GivenVerdict(Args(wire::SignWarrant(warrant, target_owner_.key).value())),
            Verdict::kBadWarrant);
}

TEST_F(OrderToMoveTest, WarrantForOthersIsBad) {
  wire::Warrant warrant = Draft();
  warrant.agents = {AgentId(bench_.random.Array<16>())};
  EXPECT_EQ(GivenVerdict(Args(Sign(warrant))), Verdict::kBadWarrant);
  warrant = Draft();
  warrant.server = target_id_;
  EXPECT_EQ(GivenVerdict(Args(Sign(warrant))), Verdict::kBadWarrant);
}

TEST_F(OrderToMoveTest, WarrantThatRanOutIsBad) {
  const std::string args = Args(Sign(Draft()));
  bench_.Pass(std::chrono::hours(25));
  EXPECT_EQ(GivenVerdict(args), Verdict::kBadWarrant);
  EXPECT_EQ(Reason(), "bad-warrant");
}

TEST_F(OrderToMoveTest, WarrantThatWasUsedUpIsBadAndSaysSo) {
  const wire::Warrant warrant = Draft();
  const auto tasks = Give(Args(Sign(warrant)));
  ASSERT_EQ(tasks.size(), 1U);
  trust::TrustState back = bench_.agent().trust();
  back.spent = std::get<MoveAgent>(tasks.front().deed).to_be.spent;
  ASSERT_TRUE(bench_.agent().AdoptTrust(back, bench_.now).has_value());
  EXPECT_EQ(GivenVerdict(Args(Sign(warrant))), Verdict::kBadWarrant);
  EXPECT_EQ(Reason(), "used-warrant");
}

TEST_F(OrderToMoveTest, BundleThatTheWarrantDoesNotMeanFails) {
  const Identity other_owner = bench_.authority.MakeOwner();
  const Identity other =
      bench_.authority.MakeServer(other_owner, {.server_ids = {target_id_}, .generation = 7});
  const std::string args =
      wire::FormatMoveArgs({.warrant = Sign(Draft()),
                            .bundle = {other.certificate.der(), other_owner.certificate.der()}});
  EXPECT_EQ(GivenVerdict(args), Verdict::kFailed);
  EXPECT_EQ(Reason(), "other-owner");
}

TEST_F(OrderToMoveTest, GenerationBelowTheWarrantsFails) {
  wire::Warrant warrant = Draft();
  warrant.target->generation = 8;
  EXPECT_EQ(GivenVerdict(Args(Sign(warrant))), Verdict::kFailed);
  EXPECT_EQ(Reason(), "older-generation");
}

TEST(MoveResultTest, LongWordsAreCut) {
  EXPECT_LE(MoveFailedResult("not-proved", std::string(100'000, 'x')).size(), wire::kMaxResultLen);
}

}  // namespace
}  // namespace countersign::agent
