#include "cli/repair_kit.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/encoding.h"
#include "cli/repair_fixture.h"
#include "tests/support/certificate_factory.h"
#include "tests/support/command.h"

namespace countersign::cli {
namespace {

class RepairKitTest : public ::testing::Test {
 protected:
  [[nodiscard]] static keys::ZipEntry Program(const std::string& name, std::string_view content) {
    return {.name = name, .content = ToBytes(content), .mode = keys::ZipMode::kProgram};
  }
  [[nodiscard]] static Movers BothMovers() {
    return {.programs = {Program("IpXfer_x64", kFakeMover), Program("IpXfer", kFakeMover)},
            .missing = {}};
  }
  [[nodiscard]] Bytes Zip(Movers movers) const {
    return keys::WriteZip(RepairKitEntries(lists_, std::move(movers), certificate_), std::nullopt)
        .value();
  }
  // Unpacks the kit, and runs a command in its folder; `id` says that this is root.
  [[nodiscard]] testing::CommandResult InKit(const std::string& command) const {
    folder_.Write("kit.zip", Zip(BothMovers()));
    return testing::RunCommand(
        folder_,
        "umask 022; [ -d repair-kit ] || unzip -q kit.zip; mkdir -p bin agent; "
        "printf '#!/bin/sh\\necho 0\\n' >bin/id; chmod +x bin/id; PATH=$PWD/bin:$PATH; "
        "unset COUNTERSIGN_UNLOAD_PASSWORD; folder=$PWD/agent; cd repair-kit; " +
            command);
  }

  // Says what it was called with, and ends as the environment asks.
  static constexpr std::string_view kFakeMover =
      "#!/bin/sh\n"
      "[ \"$#$1$3\" = 4-e-agent-folder ] && [ -r \"$2\" ] || exit 99\n"
      "[ -z \"${FAKE_COPY:-}\" ] || cp \"$2\" \"$4\"\n"
      "case \"$*\" in *secret*) exit 98 ;; esac\n"
      "printf 'password <%s>\\n\\033[2Jnext line\\n' \"${COUNTERSIGN_UNLOAD_PASSWORD-none}\"\n"
      "exit \"${FAKE_CODE:-0}\"\n";

  testing::TestAuthority authority_;
  testing::Identity owner_ = authority_.MakeOwner();
  crypto::Certificate certificate_ =
      authority_.MakeServer(owner_, {.server_ids = {authority_.MakeServerId()}}).certificate;
  RepairLists lists_{RepairBy::kAddress, RepairWhom::kChosen};
  testing::TemporaryFolder folder_;
};

TEST_F(RepairKitTest, EqualPartsMakeEqualOctets) {
  lists_.Take({{"agent", kId}, {"host", "web1"}, {"address", "192.0.2.7"}});
  EXPECT_EQ(Zip(BothMovers()), Zip(BothMovers()));
}

TEST_F(RepairKitTest, FilesAreSortedAndTheirModesRight) {
  const auto done = InKit("find . -type f | LC_ALL=C sort | xargs stat -c '%a %n'");
  EXPECT_EQ(done.output,
            "755 ./IpXfer\n755 ./IpXfer_x64\n644 ./OfcNTCer.dat\n644 ./README.txt\n"
            "644 ./SHA256SUMS\n644 ./agents.csv\n644 ./ansible/inventory.yml\n"
            "644 ./ansible/playbook.yml\n644 ./hosts.txt\n644 ./left-out.csv\n644 ./nodes.txt\n"
            "644 ./not-admitted.txt\n755 ./repair-all.sh\n755 ./repair-clush.sh\n"
            "644 ./repair.ps1\n755 ./repair.sh\n");
  const auto entries = RepairKitEntries(lists_, BothMovers(), certificate_);
  EXPECT_TRUE(std::ranges::is_sorted(entries, {}, &keys::ZipEntry::name));
  EXPECT_TRUE(std::ranges::all_of(
      entries, [](const auto& entry) { return entry.name.starts_with("repair-kit/"); }));
}

TEST_F(RepairKitTest, SumsAreRight) {
  const auto done = InKit("sha256sum -c SHA256SUMS | grep -c ': OK$'");
  EXPECT_EQ(done.output, "15\n");
}

TEST_F(RepairKitTest, ReadmeSaysWhatIsInIt) {
  lists_.Take({{"agent", kId}, {"host", "web1"}, {"address", "192.0.2.7"}, {"admitted", false}});
  lists_.Take({{"agent", kId}, {"host", "web1"}, {"address", "nowhere"}});
  Movers movers = BothMovers();
  movers.programs.pop_back();
  movers.missing = {"IpXfer"};
  folder_.Write("kit.zip", Zip(std::move(movers)));
  const auto readme = testing::RunCommand(folder_, "unzip -p kit.zip repair-kit/README.txt").output;
  for (const std::string& text :
       {certificate_.serial(), HexLower(certificate_.thumbprint()), std::string("Missing: IpXfer,"),
        std::string("It is for 1 agents"), std::string("1 others were left out"),
        std::string("has not admitted 1:"), std::string("xargs countersign agents approve")}) {
    EXPECT_NE(readme.find(text), std::string::npos) << text << "\n" << readme;
  }
  EXPECT_EQ(readme.find('@'), std::string::npos) << readme;
}

TEST_F(RepairKitTest, PowerShellIsLabelledUntested) {
  EXPECT_EQ(InKit("head -c 11 repair.ps1").output, "# UNTESTED.");
}

TEST_F(RepairKitTest, ScriptsAreSoundPosixShell) {
  if (testing::RunCommand(folder_, "command -v shellcheck").exit_code != 0) {
    GTEST_SKIP() << "no shellcheck here";
  }
  const auto done = InKit("shellcheck -s sh *.sh");
  EXPECT_EQ(done.exit_code, 0) << done.output;
}

TEST_F(RepairKitTest, RepairSaysOneLineAndPassesTheCodeOn) {
  const auto fine = InKit("sh repair.sh --agent-folder \"$folder\"");
  EXPECT_EQ(fine.exit_code, 0);
  EXPECT_EQ(fine.output, "repaired: password <none> ?[2Jnext line \n");
  const auto again = InKit(
      "FAKE_COPY=1 sh repair.sh --agent-folder \"$folder\" >first; "
      "FAKE_COPY=1 COUNTERSIGN_AGENT_FOLDER=$folder sh repair.sh");
  EXPECT_TRUE(again.output.starts_with("unchanged: ")) << again.output;
  for (const int code : {6, 30, 31}) {
    const auto done =
        InKit("FAKE_CODE=" + std::to_string(code) + " sh repair.sh --agent-folder \"$folder\"");
    EXPECT_EQ(done.exit_code, code) << done.output;
    EXPECT_EQ(std::ranges::count(done.output, '\n'), 1) << done.output;
  }
}

TEST_F(RepairKitTest, RepairTellsWhatIsNotThere) {
  EXPECT_EQ(InKit("rm ../bin/id; printf '#!/bin/sh\\necho 7\\n' >../bin/id; chmod +x ../bin/id; "
                  "sh repair.sh --agent-folder \"$folder\"")
                .exit_code,
            35);
  EXPECT_EQ(InKit("sh repair.sh --agent-folder /nowhere").exit_code, 3);
  EXPECT_EQ(InKit("sh repair.sh --no-such").exit_code, 2);
  EXPECT_EQ(InKit("sh repair.sh --agent").exit_code, 2);
  EXPECT_EQ(InKit("sh repair.sh --password-file nowhere").exit_code, 3);
  EXPECT_EQ(InKit("mv OfcNTCer.dat x; sh repair.sh --agent-folder \"$folder\"; code=$?; "
                  "mv x OfcNTCer.dat; exit $code")
                .exit_code,
            3);
  EXPECT_EQ(InKit("rm IpXfer*; sh repair.sh --agent-folder \"$folder\"").exit_code, 3);
}

TEST_F(RepairKitTest, RepairLeavesAnotherAgentAlone) {
  const auto with = [&](const std::string& id) {
    return InKit("printf '#!/bin/sh\\necho \"{\\\"agent\\\":\\\"" + id +
                 "\\\",\\\"x\\\":1}\"\\n' >../bin/countersign-agentd; "
                 "chmod +x ../bin/countersign-agentd; sh repair.sh --agent " +
                 std::string(kId) + " --agent-folder \"$folder\"");
  };
  EXPECT_EQ(with(std::string(kId)).exit_code, 0);
  const auto other = with("99999999-2222-8333-8444-555555555555");
  EXPECT_EQ(other.exit_code, 7);
  EXPECT_NE(other.output.find("nothing was changed"), std::string::npos) << other.output;
}

TEST_F(RepairKitTest, PasswordReachesTheMoverByItsEnvironmentOnly) {
  const std::string repair = "sh repair.sh --agent-folder \"$folder\"";
  const std::string expected = "repaired: password <se cret\\$(x)> ?[2Jnext line \n";
  EXPECT_EQ(
      InKit("printf '%s\\nmore' 'se cret\\$(x)' >pw; " + repair + " --password-file pw").output,
      expected);
  EXPECT_EQ(InKit("COUNTERSIGN_UNLOAD_PASSWORD_FILE=pw " + repair).output, expected);
  EXPECT_EQ(InKit("COUNTERSIGN_UNLOAD_PASSWORD='se cret\\$(x)' " + repair).output, expected);
  EXPECT_EQ(InKit("printf '%s' 'se cret\\$(x)' | " + repair + " --password-stdin").output,
            expected);
  EXPECT_NE(InKit("echo | " + repair + " --password-stdin").output.find("<none>"),
            std::string::npos);
}

TEST_F(RepairKitTest, MoversAreTakenFromTheFirstFolderThatHasThem) {
  std::filesystem::create_directory(folder_.path() / "one");
  std::filesystem::create_directory(folder_.path() / "two");
  const std::vector<std::filesystem::path> places = {folder_.path() / "one",
                                                     folder_.path() / "two"};
  EXPECT_EQ(FindMovers(places).error().code, Code::kNotFound);
  folder_.Write("two/IpXfer", ToBytes("2"));
  const auto one = FindMovers(places).value();
  ASSERT_EQ(one.programs.size(), 1U);
  EXPECT_EQ(one.missing, std::vector<std::string>{"IpXfer_x64"});
  folder_.Write("one/IpXfer", ToBytes("1"));
  folder_.Write("two/IpXfer_x64", ToBytes("2"));
  const auto both = FindMovers(places).value();
  ASSERT_EQ(both.programs.size(), 2U);
  EXPECT_EQ(both.programs[0].content, ToBytes("1"));
  EXPECT_EQ(both.programs[1].content, ToBytes("2"));
  EXPECT_EQ(both.programs[1].mode, keys::ZipMode::kProgram);
  EXPECT_TRUE(both.missing.empty());
}

}  // namespace
}  // namespace countersign::cli
