#include "cli/repair_hosts.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "cli/repair_fixture.h"

namespace countersign::cli {
namespace {

boost::json::object Row(std::string_view host, std::string_view address,
                        std::string_view id = kId) {
  return {{"agent", id},
          {"host", host},
          {"address", address},
          {"standing", "mismatched"},
          {"reason", "other-owner"},
          {"thumbprint_held", "aa"},
          {"thumbprint_expected", "bb"},
          {"admitted", true}};
}

std::string Id(int number) {
  std::string digits = std::to_string(number);
  return "00000000-0000-8000-8000-" + std::string(12 - digits.size(), '0') + digits;
}

// What somebody's agent may say, so that root's scripts do what it likes.
const std::vector<std::string> kHostile = {
    "$(reboot)",
    "`reboot`",
    ";rm -rf /",
    "a;reboot",
    "a|b",
    "a&b",
    "a>b",
    "-oProxyCommand=reboot",
    "--",
    "-",
    "a b",
    "a\tb",
    "a\nb",
    "a\n          ansible_connection: local",
    "a\r\nb",
    "a'b",
    "a\"b",
    "a\\b",
    "a/b",
    "../../etc/passwd",
    "..",
    ".",
    "a..b",
    ".a",
    "a.",
    "a-",
    "a.-b",
    "{{ lookup('pipe','reboot') }}",
    "{% raw %}",
    "!!python/object/apply:os.system",
    "&anchor",
    "*alias",
    "%YAML",
    "@group",
    "a@b",
    "web[1-3]",
    "web[1:3]",
    "a,b",
    "a!b",
    "a^b",
    "~user",
    "a:b",
    "a=b",
    "#a",
    "%h",
    "?",
    "*",
    "1",
    "127.1",
    "0x7f000001",
    "web.0x1",
    "2130706433",
    "localhost",
    "LocalHost",
    "localhost.localdomain",
    "ﬀ",
    "Zürich",
    "a\x80",
    "a\x1b[2J",
    std::string("a\0b", 3),
    "",
    std::string(64, 'a'),
    std::string(300, 'a'),
};

TEST(IsHostNameTest, Names) {
  for (const char* name : {"web1", "WEB-1", "a", "web1.example", "x_y.example", "1and1.example",
                           "3com", "xn--zrich-kva.ch", "0.example"}) {
    EXPECT_TRUE(IsHostName(name)) << name;
  }
}

TEST(IsHostNameTest, Hostile) {
  for (const auto& name : kHostile) EXPECT_FALSE(IsHostName(name)) << name;
}

TEST(HostOfTest, ByAddressItIsInItsCanonicalForm) {
  const auto v4 = HostOf(Row("web1", "192.0.2.7"), RepairBy::kAddress, RepairWhom::kChosen);
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->target, "192.0.2.7");
  EXPECT_EQ(v4->name, "web1");
  EXPECT_FALSE(v4->is_ipv6);
  const auto v6 = HostOf(Row("web1", "2001:DB8::0:1"), RepairBy::kAddress, RepairWhom::kChosen);
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->target, "2001:db8::1");
  EXPECT_TRUE(v6->is_ipv6);
}

TEST(HostOfTest, HostileAddressesAreLeftOut) {
  auto addresses = kHostile;
  addresses.insert(addresses.end(), {"0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "fe80::1",
                                     "169.254.1.1", "fe80::1%eth0", "192.0.2.7 -oProxyCommand=x",
                                     "192.0.2.7\n127.0.0.1", "[::1]", "192.0.2.07", "192.0.2"});
  for (const auto& address : addresses) {
    const auto host = HostOf(Row("web1", address), RepairBy::kAddress, RepairWhom::kChosen);
    ASSERT_FALSE(host) << address;
    EXPECT_FALSE(host.error().empty());
  }
}

TEST(HostOfTest, ByNameOnlyNamesAreTaken) {
  EXPECT_EQ(HostOf(Row("web1", ""), RepairBy::kName, RepairWhom::kChosen)->target, "web1");
  for (const auto& name : kHostile) {
    EXPECT_FALSE(HostOf(Row(name, "192.0.2.7"), RepairBy::kName, RepairWhom::kChosen)) << name;
  }
}

TEST(HostOfTest, HostileNamesAreNotShownWhereTheAddressIsGood) {
  for (const auto& name : kHostile) {
    const auto host = HostOf(Row(name, "192.0.2.7"), RepairBy::kAddress, RepairWhom::kChosen);
    ASSERT_TRUE(host);
    EXPECT_EQ(host->name, "");
  }
}

TEST(HostOfTest, AnIdThatIsNoneIsLeftOut) {
  for (const char* id : {"", "x", "$(reboot)", "11111111-2222-8333-8444-55555555555\n"}) {
    EXPECT_FALSE(HostOf(Row("a", "192.0.2.7", id), RepairBy::kAddress, RepairWhom::kChosen)) << id;
  }
}

TEST(HostOfTest, WhomTheMoverDoesNotMendIsLeftOutUnlessChosen) {
  auto cloned = Row("a", "192.0.2.7");
  cloned["reason"] = "cloned";
  auto waits = Row("a", "192.0.2.7");
  waits["thumbprint_held"] = "bb";
  waits["admitted"] = false;
  auto fine = waits;
  fine["admitted"] = true;
  auto distrusts = fine;
  distrusts["reason"] = "distrusted";
  for (const auto& row : {cloned, waits, fine, distrusts}) {
    EXPECT_TRUE(HostOf(row, RepairBy::kAddress, RepairWhom::kChosen));
  }
  EXPECT_NE(HostOf(cloned, RepairBy::kAddress, RepairWhom::kMendable).error().find("anew"),
            std::string::npos);
  EXPECT_NE(HostOf(waits, RepairBy::kAddress, RepairWhom::kMendable).error().find("approve"),
            std::string::npos);
  EXPECT_FALSE(HostOf(fine, RepairBy::kAddress, RepairWhom::kMendable));
  EXPECT_TRUE(HostOf(distrusts, RepairBy::kAddress, RepairWhom::kMendable));
  auto unknown = Row("a", "192.0.2.7");  // nothing is known of what it holds, and there is nothing
  unknown["thumbprint_held"] = unknown["thumbprint_expected"] = "";
  EXPECT_TRUE(HostOf(unknown, RepairBy::kAddress, RepairWhom::kMendable));
}

TEST(HostOfTest, WhoBelongsToAnotherServerIsLeftOutThoughChosen) {
  for (const char* standing : {"moved", "retired", "arriving"}) {
    auto row = Row("a", "192.0.2.7");
    row["standing"] = standing;
    EXPECT_FALSE(HostOf(row, RepairBy::kAddress, RepairWhom::kChosen)) << standing;
    EXPECT_FALSE(HostOf(row, RepairBy::kName, RepairWhom::kMendable)) << standing;
  }
  auto stray = Row("a", "192.0.2.7");
  stray["moved_to"] = "507f0000-0000-8000-8000-000000000001";
  const auto left_out = HostOf(stray, RepairBy::kAddress, RepairWhom::kChosen);
  ASSERT_FALSE(left_out);
  EXPECT_NE(left_out.error().find("approve"), std::string::npos);
  stray["moved_to"] = "";
  EXPECT_TRUE(HostOf(stray, RepairBy::kAddress, RepairWhom::kChosen));
}

TEST(RepairListsTest, EveryHostIsInEachList) {
  RepairLists lists(RepairBy::kAddress, RepairWhom::kChosen);
  lists.Take(Row("web1", "192.0.2.7", Id(1)));
  auto waits = Row("web2", "2001:db8::1", Id(2));
  waits["admitted"] = false;
  lists.Take(waits);
  EXPECT_TRUE(
      lists.HostsTxt().ends_with("\n192.0.2.7 " + Id(1) + " -\n2001:db8::1 " + Id(2) + " -\n"));
  EXPECT_TRUE(lists.NodesTxt().starts_with("192.0.2.7\n# left out, clush "));
  EXPECT_TRUE(lists.NodesTxt().ends_with(": 2001:db8::1\n"));
  EXPECT_TRUE(lists.InventoryYaml().ends_with(
      "      hosts:\n"
      "        \"web1\":\n          ansible_host: \"192.0.2.7\"\n          countersign_agent: \"" +
      Id(1) +
      "\"\n"
      "        \"web2\":\n          ansible_host: \"2001:db8::1\"\n          countersign_agent: "
      "\"" +
      Id(2) + "\"\n"));
  EXPECT_EQ(lists.not_admitted(), Id(2) + "\n");
  EXPECT_EQ(lists.num_not_admitted(), 1U);
  EXPECT_EQ(lists.left_out_csv(), "agent_id,host,address,reason\r\n");
  EXPECT_EQ(std::ranges::count(lists.agents_csv(), '\n'), 3);
}

TEST(RepairListsTest, TwoOfOneNameAndNamesThatMeanSomethingAreCalledByTheirIds) {
  RepairLists lists(RepairBy::kAddress, RepairWhom::kChosen);
  const std::vector<std::string> names = {"web", "WEB", "all", "Ungrouped", "countersign", "true"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    lists.Take(Row(names[i], "192.0.2.7", Id(static_cast<int>(i))));
  }
  const std::string yaml = lists.InventoryYaml();
  for (int i = 0; i < 5; ++i) {
    EXPECT_NE(yaml.find("        \"" + Id(i) + "\":\n"), std::string::npos) << yaml;
  }
  EXPECT_NE(yaml.find("        \"true\":\n"), std::string::npos) << yaml;
}

TEST(RepairListsTest, NobodyTakesTheIdOfAnotherForAName) {
  RepairLists lists(RepairBy::kAddress, RepairWhom::kChosen);
  lists.Take(Row("web", "192.0.2.7", Id(2)));
  lists.Take(Row("web", "192.0.2.8", Id(3)));
  lists.Take(Row(Id(2), "192.0.2.9", Id(4)));
  const std::string yaml = lists.InventoryYaml();
  for (const int number : {2, 3, 4}) {
    const std::string key = "        \"" + Id(number) + "\":\n";
    const auto first = yaml.find(key);
    ASSERT_NE(first, std::string::npos) << yaml;
    EXPECT_EQ(yaml.find(key, first + 1), std::string::npos) << yaml;
  }
}

TEST(RepairListsTest, NothingOfHostileRowsIsInAListThatIsRead) {
  RepairLists by_name(RepairBy::kName, RepairWhom::kChosen);
  RepairLists by_address(RepairBy::kAddress, RepairWhom::kChosen);
  for (std::size_t i = 0; i < kHostile.size(); ++i) {
    by_name.Take(Row(kHostile[i], "192.0.2.7", Id(static_cast<int>(i))));
    by_address.Take(Row(kHostile[i], kHostile[i], Id(static_cast<int>(i))));
  }
  const RepairLists none(RepairBy::kName, RepairWhom::kChosen);
  for (const RepairLists* lists : {&by_name, &by_address}) {
    EXPECT_EQ(lists->num_left_out(), kHostile.size());
    EXPECT_EQ(lists->HostsTxt(), none.HostsTxt());
    EXPECT_EQ(lists->NodesTxt(), "");
    EXPECT_EQ(lists->InventoryYaml(), none.InventoryYaml());
    // Each is listed, on one line, without a control character.
    const std::string& left_out = lists->left_out_csv();
    EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(left_out, '\n')), kHostile.size() + 1);
    EXPECT_TRUE(std::ranges::none_of(left_out, [](char c) {
      return static_cast<unsigned char>(c) < 0x20 && c != '\r' && c != '\n';
    }));
    EXPECT_NE(left_out.find("a\\x0ab"), std::string::npos);
  }
}

TEST(RepairListsTest, AHundredThousandRows) {
  RepairLists lists(RepairBy::kAddress, RepairWhom::kMendable);
  for (int i = 0; i < 100'000; ++i) {
    const std::string address = "10." + std::to_string(i >> 16) + "." +
                                std::to_string(i >> 8 & 255) + "." + std::to_string(i & 255);
    lists.Take(Row("host" + std::to_string(i), address, Id(i)));
  }
  EXPECT_EQ(lists.hosts().size(), 100'000U);
  EXPECT_EQ(std::ranges::count(lists.NodesTxt(), '\n'), 100'000);
  EXPECT_LT(lists.InventoryYaml().size(), 20'000'000U);
}

}  // namespace
}  // namespace countersign::cli
