// What the file of the order memory may look like after a power cut, damage and compaction.
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "trust/order_memory.h"
#include "trust/order_memory_fixture.h"

namespace countersign::trust {
namespace {

using OrderMemoryFileTest = OrderMemoryTest;

TEST_F(OrderMemoryFileTest, EmptyFileIsAnEmptyMemory) {
  Restart();
  EXPECT_EQ(memory_.size(), 0U);
  EXPECT_FALSE(memory_.NeedsCompaction());
}

TEST_F(OrderMemoryFileTest, FileFormIsFixed) {
  ASSERT_TRUE(Start(1, held_, kNow));
  EXPECT_EQ(HexLower(file_),
            "0000003e"                                                          // length
            "01000000000000000000000000000000"                                  // jti
            "0101010101010101010101010101010101010101010101010101010101010101"  // certificate
            "000000006b49d200"                                                  // date
            "010d"                                                              // started, running
            "00000000"                                                          // result
            "8f69381521641cb8");                                                // checksum
  file_.clear();
  Finish(1, Verdict::kFailed, "{}", kNow);
  EXPECT_EQ(HexLower(ByteView(file_).subspan(4 + 56, 8)), "0215000000027b7d");
}

TEST_F(OrderMemoryFileTest, VerdictNumbersInTheFileAreFixed) {
  EXPECT_EQ(static_cast<int>(Verdict::kRunning), 13);
  EXPECT_EQ(static_cast<int>(Verdict::kUnknownAction), 17);
  EXPECT_EQ(static_cast<int>(Verdict::kNotAllowed), 18);
  EXPECT_EQ(static_cast<int>(Verdict::kBadWarrant), 19);
  EXPECT_EQ(static_cast<int>(Verdict::kDone), 20);
  EXPECT_EQ(static_cast<int>(Verdict::kFailed), 21);
}

TEST_F(OrderMemoryFileTest, TornLastRecordIsDroppedAtEachLengthAndAsksForCompaction) {
  ASSERT_TRUE(Start(1, held_, kNow));
  Finish(1, Verdict::kDone, R"({"k":"v"})", kNow);
  const std::size_t whole = file_.size();
  ASSERT_TRUE(Start(2, held_, kNow));
  Finish(2, Verdict::kDone, std::string(1000, 'x'), kNow);
  const Bytes full = file_;
  for (std::size_t len = whole; len < full.size(); ++len) {
    const auto memory = OrderMemory::Parse(ByteView(full).first(len));
    ASSERT_TRUE(memory.has_value()) << len;
    EXPECT_EQ(memory->Seen(JtiOf(1))->verdict, Verdict::kDoneBefore);
    const auto second = memory->Seen(JtiOf(2));
    const bool has_start = len >= whole + 74;
    ASSERT_EQ(second.has_value(), has_start) << len;
    EXPECT_TRUE(!second || second->verdict == Verdict::kInterrupted);
    EXPECT_EQ(memory->NeedsCompaction(), len != whole && len != whole + 74) << len;
  }
}

TEST_F(OrderMemoryFileTest, RecordAfterCompactionOfATornTailIsRead) {
  ASSERT_TRUE(Start(1, held_, kNow));
  ASSERT_TRUE(Start(2, held_, kNow));
  file_.pop_back();  // power cut
  Restart();
  ASSERT_TRUE(memory_.NeedsCompaction());
  Compact();
  ASSERT_FALSE(memory_.NeedsCompaction());
  ASSERT_TRUE(Start(2, held_, kNow));
  Restart();
  EXPECT_EQ(Answer(1), Verdict::kInterrupted);
  EXPECT_EQ(Answer(2), Verdict::kInterrupted);
}

TEST_F(OrderMemoryFileTest, RecordBehindATornOneIsDamage) {
  ASSERT_TRUE(Start(1, held_, kNow));
  file_.pop_back();
  ASSERT_TRUE(Start(2, held_, kNow));
  EXPECT_EQ(OrderMemory::Parse(file_).error().code, Code::kDamaged);
}

TEST_F(OrderMemoryFileTest, ForgottenStartAsksForCompactionBecauseItsRecordMayBeInTheFile) {
  ASSERT_TRUE(Start(1, held_, kNow));
  const auto record = memory_.Start(JtiOf(2), held_, kNow);
  ASSERT_TRUE(record.has_value());
  file_.insert(file_.end(), record->begin(), record->begin() + 20);  // the disk was full
  memory_.Forget(JtiOf(2));
  ASSERT_TRUE(memory_.NeedsCompaction());
  Compact();
  ASSERT_TRUE(Start(3, held_, kNow));
  Restart();
  EXPECT_FALSE(Knows(2));
  EXPECT_TRUE(Knows(3));
}

TEST_F(OrderMemoryFileTest, ZeroesThatAPowerCutLeftAreATornRecord) {
  ASSERT_TRUE(Start(1, held_, kNow));
  file_.resize(file_.size() + 74);
  Restart();
  EXPECT_EQ(memory_.size(), 1U);
  EXPECT_TRUE(memory_.NeedsCompaction());
}

TEST_F(OrderMemoryFileTest, LongerRubbishThanOneRecordIsDamage) {
  ASSERT_TRUE(Start(1, held_, kNow));
  const std::size_t longest = 4 + 62 + OrderMemory::kMaxResultLen + 8;
  file_.resize(file_.size() + longest);
  EXPECT_TRUE(OrderMemory::Parse(file_).has_value());
  file_.push_back(0);
  EXPECT_EQ(OrderMemory::Parse(file_).error().code, Code::kDamaged);
}

TEST_F(OrderMemoryFileTest, EveryFlippedByteBeforeTheLastRecordIsDamage) {
  ASSERT_TRUE(Start(1, held_, kNow));
  Finish(1, Verdict::kDone, R"({"k":"v"})", kNow);
  ASSERT_TRUE(Start(2, held_, kNow));
  const std::size_t before_last = file_.size();
  ASSERT_TRUE(Start(3, held_, kNow));
  for (std::size_t at = 0; at < before_last; ++at) {
    for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
      Bytes flipped = file_;
      flipped[at] = static_cast<std::uint8_t>(flipped[at] ^ flip);
      const auto memory = OrderMemory::Parse(flipped);
      ASSERT_FALSE(memory.has_value()) << at;
      EXPECT_EQ(memory.error().code, Code::kDamaged);
      EXPECT_NE(memory.error().next, "");
    }
  }
}

TEST_F(OrderMemoryFileTest, LostRecordInTheMiddleIsDamageIfNotAWholeOne) {
  ASSERT_TRUE(Start(1, held_, kNow));
  ASSERT_TRUE(Start(2, held_, kNow));
  for (std::size_t len = 1; len < 74; ++len) {
    Bytes cut = file_;
    cut.erase(cut.begin() + 10,
              cut.begin() + 10 + static_cast<std::ptrdiff_t>(std::min<std::size_t>(len, 64)));
    EXPECT_FALSE(OrderMemory::Parse(cut).has_value()) << len;
  }
}

TEST_F(OrderMemoryFileTest, WholeRecordThatNoAgentWritesIsDamage) {
  ASSERT_TRUE(Start(1, held_, kNow));
  const auto with = [&](std::size_t at, std::uint8_t value) {  // its checksum is right
    Bytes record = file_;
    record[4 + at] = value;
    const Digest checksum = crypto::Sha256(ByteView(record).subspan(4, 62));
    std::copy_n(checksum.begin(), 8, record.end() - 8);
    return record;
  };
  constexpr std::size_t kDate = 48;
  constexpr std::size_t kState = 56;
  constexpr std::size_t kVerdict = 57;
  EXPECT_TRUE(OrderMemory::Parse(with(kVerdict, 13)).has_value());
  for (const auto& [at, value] :
       std::initializer_list<std::pair<std::size_t, std::uint8_t>>{{kDate, 0x80},
                                                                   {kDate + 1, 0x20},
                                                                   {kState, 0},
                                                                   {kState, 3},
                                                                   {kState, 2},
                                                                   {kVerdict, 20},
                                                                   {kVerdict, 22},
                                                                   {kVerdict + 4, 1}}) {
    const auto memory = OrderMemory::Parse(with(at, value));
    ASSERT_FALSE(memory.has_value()) << at << " " << int{value};
    EXPECT_EQ(memory.error().code, Code::kDamaged);
  }
}

TEST_F(OrderMemoryFileTest, OrderBegunAnewUnderALaterCertificateCountsThere) {
  // The memory dropped it, the file did not, and the order came again.
  ASSERT_TRUE(Start(1, held_, kNow));
  Finish(1, Verdict::kDone, "", kNow);
  OrderMemory fresh;
  Append(file_, *fresh.Start(JtiOf(2), next_, kNow));
  Append(file_, *fresh.Start(JtiOf(1), next_, kNow));
  Restart();
  EXPECT_EQ(memory_.size(), 2U);
  EXPECT_EQ(Answer(1), Verdict::kInterrupted);
  EXPECT_EQ(memory_.Seen(JtiOf(1))->entry->certificate, next_);
  memory_.TrustMoved(next_);
  RunMany(100, OrderMemory::kMaxHeld - 2, next_, kNow);
  EXPECT_FALSE(Start(99, next_, kNow));
}

TEST_F(OrderMemoryFileTest, EndUnderAnotherCertificateThanTheStartIsDamage) {
  ASSERT_TRUE(Start(1, held_, kNow));
  OrderMemory other;
  ASSERT_TRUE(other.Start(JtiOf(1), next_, kNow).has_value());
  Append(file_, other.Finish(JtiOf(1), Verdict::kDone, "", kNow));
  ASSERT_TRUE(Start(2, held_, kNow));
  EXPECT_EQ(OrderMemory::Parse(file_).error().code, Code::kDamaged);
}

TEST_F(OrderMemoryFileTest, CompactedFileHoldsTheSameMemory) {
  RunMany(0, 50, held_, kNow);
  ASSERT_TRUE(Start(100, next_, kNow + Seconds(1)));
  Compact();
  const Bytes compacted = file_;
  Restart();
  EXPECT_EQ(memory_.Encode(), compacted);
  EXPECT_EQ(memory_.size(), 51U);
  EXPECT_EQ(Answer(0), Verdict::kDoneBefore);
  EXPECT_EQ(Answer(100), Verdict::kInterrupted);
}

TEST_F(OrderMemoryFileTest, CompactionKeepsTheOrderOfArrival) {
  ASSERT_TRUE(Start(500'000, held_, kNow));  // the oldest, though not the smallest jti
  Finish(500'000, Verdict::kDone, "", kNow);
  RunMany(0, OrderMemory::kKeepNewest, held_, kNow);
  Compact();
  Restart();
  ASSERT_TRUE(Start(100'000, held_, kNow + 49 * kHour));
  EXPECT_FALSE(Knows(500'000));
  EXPECT_TRUE(Knows(0));
}

TEST_F(OrderMemoryFileTest, FileOfTwiceTheRecordsIsNotYetCompacted) {
  RunMany(0, 100, held_, kNow);
  EXPECT_FALSE(memory_.NeedsCompaction());
  Restart();
  EXPECT_FALSE(memory_.NeedsCompaction());
}

TEST_F(OrderMemoryFileTest, FileOfMoreThanTwiceTheRecordsIsCompacted) {
  RunMany(0, OrderMemory::kMaxHeld, held_, kNow);
  ASSERT_TRUE(Start(100'000, held_, kNow + 49 * kHour));  // drops three quarters
  EXPECT_TRUE(memory_.NeedsCompaction());
  Compact();
  EXPECT_FALSE(memory_.NeedsCompaction());
}

}  // namespace
}  // namespace countersign::trust
