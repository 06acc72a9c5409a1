#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/move.h"

// What `move status --names` advises: commands that do something in the campaign's state.
namespace countersign::server {
namespace {

using store::MoveState;
using store::MovingState;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string NextFor(std::string_view reason, MoveState campaign) {
  store::MovingRow row;
  row.state = MovingState::kFailed;
  row.reason = reason;
  return MoveNextStep(row, campaign);
}

TEST(MoveTextsTest, ResumeIsAdvisedWhereThereIsSomethingToResume) {
  for (const std::string_view reason :
       {"target-not-reached", "not-accepted", "busy", "no-answer", "anything"}) {
    for (const MoveState state : {MoveState::kRunning, MoveState::kHalted}) {
      EXPECT_THAT(NextFor(reason, state), HasSubstr("countersign move resume"));
    }
    for (const MoveState state : {MoveState::kFinished, MoveState::kAborted}) {
      EXPECT_THAT(NextFor(reason, state),
                  AllOf(HasSubstr("countersign move start"), Not(HasSubstr("resume"))));
    }
  }
}

// `resume` keeps the target.json that the campaign began with.
TEST(MoveTextsTest, WhatIsWrongWithTheTargetNeedsANewCampaign) {
  for (const std::string_view reason :
       {"not-proved", "wrong-server", "other-owner", "chain", "older-generation"}) {
    EXPECT_THAT(NextFor(reason, MoveState::kHalted),
                AllOf(HasSubstr("move abort"), HasSubstr("move expect"), HasSubstr("move start"),
                      Not(HasSubstr("resume"))))
        << reason;
    EXPECT_THAT(NextFor(reason, MoveState::kFinished),
                AllOf(Not(HasSubstr("abort")), HasSubstr("move expect"), HasSubstr("move start")))
        << reason;
  }
}

TEST(MoveTextsTest, NobodysTurnComesAfterTheEnd) {
  store::MovingRow row;
  EXPECT_THAT(MoveNextStep(row, MoveState::kRunning), HasSubstr("its turn comes"));
  EXPECT_THAT(MoveNextStep(row, MoveState::kAborted), HasSubstr("countersign move start"));
  row.state = MovingState::kOrdered;
  EXPECT_THAT(MoveNextStep(row, MoveState::kAborted), HasSubstr("may still go"));
}

}  // namespace
}  // namespace countersign::server
