#pragma once

// What the tests of the history share.
#include <string>
#include <vector>

#include "server/history.h"
#include "server/issuing_fixture.h"
#include "wire/messages.h"

namespace countersign::server {

class HistoryTest : public IssuingTest {
 protected:
  static std::vector<store::HistoryRow> Rows(ServerInMemory& server) {
    return server.registry->ListHistory(0, 1'000).value();
  }
  static std::vector<wire::HistoryLine> Lines(ServerInMemory& server) {
    std::vector<wire::HistoryLine> lines;
    for (const auto& row : Rows(server)) {
      lines.push_back(wire::ParseHistoryLine(row.line).value().line);
    }
    return lines;
  }
  static std::vector<std::string> Kinds(ServerInMemory& server) {
    std::vector<std::string> kinds;
    for (const auto& line : Lines(server)) kinds.push_back(line.kind);
    return kinds;
  }
  static HistoryCheck Check(ServerInMemory& server) {
    const auto check = CheckHistory(server.world());
    EXPECT_TRUE(check.has_value()) << check.error().message;
    return check.value_or(HistoryCheck{});
  }
  static void ExpectWholeHistory(ServerInMemory& server) {
    const auto check = Check(server);
    EXPECT_FALSE(check.problem.has_value()) << check.problem->line << ": " << check.problem->what;
    EXPECT_EQ(check.num_lines, Rows(server).size());
    EXPECT_EQ(check.head, HeadOf(*server.registry).value());
  }
  // Four lines.
  void MakeHistory(ServerInMemory& server) {
    Create(server);
    for (int day = 1; day <= 3; ++day) {
      EXPECT_TRUE(Replace(server, kNow + day * kDay).has_value());
    }
    ExpectWholeHistory(server);
  }
  // Put writes other lines and events in the place of those of a server.
  static void Put(ServerInMemory& server, const std::vector<store::HistoryRow>& lines,
                  const std::vector<store::EventRow>& events) {
    auto registry = store::OpenSqlite(":memory:").value();
    const auto certificates = server.registry->ListCertificates().value();
    for (const auto& row : certificates) {
      EXPECT_TRUE(registry->PutCertificate(row).has_value());
    }
    for (const auto& row : events) EXPECT_TRUE(registry->AddEvent(row).has_value());
    for (const auto& row : lines) EXPECT_TRUE(registry->AddHistory(row).has_value());
    server.registry = std::move(registry);
  }
  static std::vector<store::EventRow> Events(ServerInMemory& server) {
    return server.registry->ListEvents(0, 1'000).value();
  }
  // ProblemWith: what the check says of these lines; the number 0 if nothing.
  static HistoryCheck::Problem ProblemWith(ServerInMemory& server,
                                           const std::vector<store::HistoryRow>& lines) {
    Put(server, lines, Events(server));
    return Check(server).problem.value_or(HistoryCheck::Problem{});
  }
  ServerInMemory server_;
};

}  // namespace countersign::server
