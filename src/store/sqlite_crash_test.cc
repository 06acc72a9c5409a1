// A process that is killed while it commits: what it had acknowledged is there afterwards, whole.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/registry_samples.h"
#include "store/scratch_folder.h"

namespace countersign::store {
namespace {

constexpr std::uint32_t kEnough = 40;

// CommitForEver puts agent n and its order in one transaction and then says n into the pipe.
[[noreturn]] void CommitForEver(const std::string& path, int pipe_end) {
  const auto registry = OpenSqlite(path);
  if (!registry) _exit(1);
  for (std::uint32_t number = 1;; ++number) {
    const Status done = (*registry)->Transact([&]() -> Status {
      COUNTERSIGN_RETURN_IF_ERROR((*registry)->PutAgent(FullAgent(number)));
      const auto id = (*registry)->AddOrder(PlainOrder(number, SampleAgentId(number)));
      if (!id) return std::unexpected(id.error());
      COUNTERSIGN_RETURN_IF_ERROR(
          (*registry)->moves().PutMoving({.move = 1, .agent = SampleAgentId(number)}));
      return (*registry)->PutMeta("newest", std::to_string(number));
    });
    if (!done || write(pipe_end, &number, sizeof(number)) != sizeof(number)) _exit(2);
  }
}

// RunUntilKilled returns the last number that the child acknowledged.
std::uint32_t RunUntilKilled(const std::string& path, std::uint32_t kill_after) {
  int ends[2] = {-1, -1};
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    CommitForEver(path, ends[1]);
  }
  close(ends[1]);
  std::uint32_t acknowledged = 0;
  std::uint32_t number = 0;
  while (read(ends[0], &number, sizeof(number)) == sizeof(number)) {
    acknowledged = number;
    if (number == kill_after) kill(child, SIGKILL);
  }
  close(ends[0]);
  int how = 0;
  EXPECT_EQ(waitpid(child, &how, 0), child);
  EXPECT_TRUE(WIFSIGNALED(how));
  return acknowledged;
}

TEST(SqliteCrashTest, AcknowledgedCommitsSurviveAKill) {
  for (const std::uint32_t kill_after : {1U, 7U, kEnough}) {
    const ScratchFolder folder;
    const std::string path = folder.File("registry.db");
    const std::uint32_t acknowledged = RunUntilKilled(path, kill_after);
    ASSERT_GE(acknowledged, kill_after);
    const auto registry = OpenSqlite(path);
    ASSERT_TRUE(registry.has_value()) << registry.error().message;
    for (std::uint32_t number = 1; number <= acknowledged; ++number) {
      EXPECT_EQ((*registry)->FindAgent(SampleAgentId(number)).value(), FullAgent(number));
    }
    // At most the one commit whose acknowledgement was lost stands beyond, and it is whole too.
    const std::size_t newest = std::stoul((*registry)->GetMeta("newest").value().value());
    EXPECT_LE(acknowledged, newest);
    EXPECT_LE(newest, acknowledged + 1U);
    AgentQuery query;
    query.limit = newest + 10;
    EXPECT_EQ((*registry)->ListAgents(query)->size(), newest);
    EXPECT_EQ((*registry)->moves().CountMoving(1).value(), MovingCounts{.waiting = newest});
    EXPECT_EQ((*registry)->DueOrders(FromUnix(1'000), newest + 10)->size(), newest);
  }
}

}  // namespace
}  // namespace countersign::store
