#include "server/history_fixture.h"

// What CheckHistory finds.
namespace countersign::server {
namespace {

using ::testing::HasSubstr;

class HistoryCheckTest : public HistoryTest {};

TEST_F(HistoryCheckTest, RemovedLineIsFound) {
  MakeHistory(server_);
  const auto rows = Rows(server_);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto fewer = rows;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    const auto problem = ProblemWith(server_, fewer);
    EXPECT_FALSE(problem.what.empty()) << i;
    const std::int64_t named[] = {2, 3, 4, 0};  // the next line; of the last the event is left
    EXPECT_EQ(problem.line, named[i]) << problem.what;
  }
}

TEST_F(HistoryCheckTest, AlteredLineIsFound) {
  MakeHistory(server_);
  const auto rows = Rows(server_);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const std::size_t at :
         {std::size_t{20}, rows[i].line.find('.') + 20, rows[i].line.rfind('.') + 20}) {
      auto other = rows;
      char& c = other[i].line[at];
      c = c == 'A' ? 'B' : 'A';
      EXPECT_EQ(ProblemWith(server_, other).line, rows[i].number) << at;
    }
  }
  EXPECT_EQ(ProblemWith(server_, rows).what, "");
}

TEST_F(HistoryCheckTest, ReorderedAndRenumberedLinesAreFound) {
  MakeHistory(server_);
  auto rows = Rows(server_);
  std::swap(rows[1].line, rows[2].line);
  EXPECT_EQ(ProblemWith(server_, rows).line, 2);
  std::swap(rows[1].line, rows[2].line);
  auto later = rows;
  for (auto& row : later) row.number += 5;
  EXPECT_EQ(ProblemWith(server_, later).line, 6);
  auto twice = rows;
  twice.push_back({5, rows.back().line});
  EXPECT_EQ(ProblemWith(server_, twice).line, 5);
}

TEST_F(HistoryCheckTest, LineOfAnotherKeyIsFound) {
  MakeHistory(server_);
  auto rows = Rows(server_);
  auto line = wire::ParseHistoryLine(rows.back().line).value().line;
  const auto stranger = crypto::PrivateKey::Generate(crypto::KeyKind::kP256).value();
  rows.back().line = wire::SignHistoryLine(line, stranger).value();
  auto problem = ProblemWith(server_, rows);
  EXPECT_EQ(problem.line, 4);
  EXPECT_THAT(problem.what, HasSubstr("its signature is not that of certificate"));
  line.x5t = Digest{1};
  rows.back().line = wire::SignHistoryLine(line, stranger).value();
  problem = ProblemWith(server_, rows);
  EXPECT_EQ(problem.line, 4);
  EXPECT_THAT(problem.what, HasSubstr("which is none of this server"));
}

TEST_F(HistoryCheckTest, LineOfAnotherServerIsFound) {
  MakeHistory(server_);
  auto rows = Rows(server_);
  auto line = wire::ParseHistoryLine(rows.back().line).value().line;
  line.iss = authority_.MakeServerId();
  const auto signer = server_.ring->Find(server_.Book().Active()->certificate.key().digest());
  rows.back().line = wire::SignHistoryLine(line, **signer).value();
  EXPECT_THAT(ProblemWith(server_, rows).what, HasSubstr("does not name"));
}

TEST_F(HistoryCheckTest, AlteredAndRemovedEventsAreFound) {
  MakeHistory(server_);
  const auto rows = Rows(server_);
  const auto events = Events(server_);
  auto altered = events;
  altered.at(1).text += ".";
  Put(server_, rows, altered);
  EXPECT_EQ(Check(server_).problem.value().line, 2);
  altered = events;
  altered.at(2).by = store::Actor{1, "mallory", "", ""};
  Put(server_, rows, altered);
  EXPECT_EQ(Check(server_).problem.value().line, 3);
  altered = events;
  altered.pop_back();
  Put(server_, rows, altered);
  EXPECT_EQ(Check(server_).problem.value().line, 4);
}

TEST_F(HistoryCheckTest, EventsOfBeforeTheHistoryNeedNoLine) {
  MakeHistory(server_);
  auto events = Events(server_);
  events.insert(events.begin(),
                {.id = 0, .at = kNow, .kind = "identity-created", .agent = {}, .text = ""});
  Put(server_, Rows(server_), events);
  EXPECT_TRUE(Check(server_).problem.has_value());
  ASSERT_TRUE(server_.registry->PutMeta("history_since", "1").has_value());
  ExpectWholeHistory(server_);
}

TEST_F(HistoryCheckTest, ManyPagesAreChecked) {
  Create(server_);
  const store::EventRow event{
      .id = 0, .at = kNow, .kind = "certificate-exported", .agent = {}, .text = ""};
  for (int i = 0; i < 1'100; ++i) {
    ASSERT_TRUE(server_.registry->AddEvent(event).has_value());
    ASSERT_TRUE(AppendHistory(server_.world(), event, {}).has_value());
  }
  const auto check = Check(server_);
  EXPECT_FALSE(check.problem.has_value());
  EXPECT_EQ(check.num_lines, 1'101U);
}

}  // namespace
}  // namespace countersign::server
