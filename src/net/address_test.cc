#include "net/address.h"

#include <gtest/gtest.h>

namespace countersign::net {
namespace {

IpAddress Address(std::string_view text) {
  const auto address = IpAddress::Parse(text);
  EXPECT_TRUE(address.has_value()) << text;
  return address.value_or(IpAddress());
}

std::string EndpointText(std::string_view text) {
  const auto endpoint = ParseEndpoint(text, 4343);
  return endpoint ? endpoint->Text() : "error";
}

TEST(IpAddress, TextRoundTrips) {
  for (const char* text : {"192.0.2.1", "0.0.0.0", "::", "::1", "2001:db8::1", "fe80::1"}) {
    EXPECT_EQ(Address(text).Text(), text);
  }
}

TEST(IpAddress, MappedIpv4IsUnwrapped) {
  EXPECT_TRUE(Address("::ffff:127.0.0.1").is_v4());
  EXPECT_EQ(Address("::ffff:127.0.0.1"), Address("127.0.0.1"));
  EXPECT_EQ(Address("::ffff:7f00:1").Classify(), AddressClass::kLoopback);
}

TEST(IpAddress, ParseRefusesOtherForms) {
  using namespace std::string_view_literals;
  for (const auto text : {""sv, "1.2.3"sv, "1.2.3.04"sv, "1.2.3.256"sv, " 1.2.3.4"sv, "1.2.3.4 "sv,
                          "1.2.3.4\0x"sv, "fe80::1%eth0"sv, "[::1]"sv, "0x7f.0.0.1"sv, "::1::"sv,
                          "00000000000000000000000000000000000000000000000000000:1"sv}) {
    EXPECT_FALSE(IpAddress::Parse(text).has_value()) << text;
  }
}

TEST(IpAddress, ClassifyKnowsTheSpecialRanges) {
  const std::pair<const char*, AddressClass> cases[] = {
      {"0.0.0.0", AddressClass::kUnspecified},
      {"0.1.2.3", AddressClass::kUnspecified},
      {"::", AddressClass::kUnspecified},
      {"127.0.0.1", AddressClass::kLoopback},
      {"127.255.1.2", AddressClass::kLoopback},
      {"::1", AddressClass::kLoopback},
      {"169.254.169.254", AddressClass::kLinkLocal},
      {"fe80::1", AddressClass::kLinkLocal},
      {"febf::1", AddressClass::kLinkLocal},
      {"fec0::1", AddressClass::kOrdinary},
      {"224.0.0.1", AddressClass::kMulticast},
      {"239.255.255.255", AddressClass::kMulticast},
      {"255.255.255.255", AddressClass::kMulticast},
      {"ff02::1", AddressClass::kMulticast},
      {"10.0.0.1", AddressClass::kOrdinary},
      {"2001:db8::1", AddressClass::kOrdinary},
      {"fd00::1", AddressClass::kOrdinary},
      {"240.0.0.1", AddressClass::kOrdinary}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(Address(text).Classify(), expected) << text;
}

TEST(IpAddress, SourceKeyIsTheAddressOrTheFirst64Bits) {
  EXPECT_EQ(Address("192.0.2.1").SourceKey(), "192.0.2.1");
  EXPECT_EQ(Address("2001:db8:1:2:3:4:5:6").SourceKey(), "2001:db8:1:2::/64");
  EXPECT_EQ(Address("2001:db8:1:2::9").SourceNetwork(),
            Address("2001:db8:1:2:ffff::").SourceNetwork());
  EXPECT_NE(Address("192.0.2.1").SourceNetwork(), Address("192.0.2.2").SourceNetwork());
}

TEST(ParseEndpoint, TakesEveryDocumentedForm) {
  EXPECT_EQ(EndpointText("server"), "server:4343");
  EXPECT_EQ(EndpointText("Server.Example.COM:8080"), "server.example.com:8080");
  EXPECT_EQ(EndpointText("server.example."), "server.example.:4343");
  EXPECT_EQ(EndpointText("192.0.2.1:1"), "192.0.2.1:1");
  EXPECT_EQ(EndpointText("[2001:DB8::1]:65535"), "[2001:db8::1]:65535");
  EXPECT_EQ(EndpointText("[2001:db8::1]"), "[2001:db8::1]:4343");
  EXPECT_EQ(EndpointText("2001:db8::1"), "[2001:db8::1]:4343");
  EXPECT_EQ(EndpointText("win_host-7"), "win_host-7:4343");
}

TEST(ParseEndpoint, RefusesEverythingElse) {
  using namespace std::string_view_literals;
  for (const auto text :
       {""sv,           ":80"sv,       "host:"sv, "host:0"sv,  "host:65536"sv, "host:+1"sv,
        "host:1x"sv,    "a:b:c"sv,     "[::1"sv,  "[::1]80"sv, "[host]:80"sv,  "[1.2.3.4]:80"sv,
        "-a"sv,         "a..b"sv,      "a b"sv,   "a/b"sv,     "127.1"sv,      "0x7f000001"sv,
        "2130706433"sv, "1.2.3.4.5"sv, "a.0x1"sv, "h\0st"sv,   "h\xc3\xa9"sv,  "user@host"sv}) {
    EXPECT_EQ(EndpointText(text), "error") << text;
  }
  EXPECT_EQ(EndpointText(std::string(64, 'a')), "error");
  EXPECT_EQ(EndpointText(std::string(300, 'a')), "error");
}

TEST(NetworkSet, ContainsWhatItsNetworksCover) {
  const std::vector<std::string> entries = {"10.0.0.0/8", "192.0.2.7", "2001:db8::/33",
                                            "127.0.0.1/32"};
  const auto set = NetworkSet::Parse(entries);
  ASSERT_TRUE(set.has_value());
  for (const char* in : {"10.255.0.1", "192.0.2.7", "2001:db8:7fff::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(set->Contains(Address(in))) << in;
  }
  for (const char* out : {"11.0.0.1", "192.0.2.8", "2001:db8:8000::1", "127.0.0.2", "::a00:1"}) {
    EXPECT_FALSE(set->Contains(Address(out))) << out;
  }
}

TEST(NetworkSet, PrefixZeroCoversItsFamilyOnly) {
  const std::vector<std::string> entries = {"0.0.0.0/0"};
  const auto set = NetworkSet::Parse(entries);
  ASSERT_TRUE(set.has_value());
  EXPECT_TRUE(set->Contains(Address("198.51.100.1")));
  EXPECT_FALSE(set->Contains(Address("2001:db8::1")));
  EXPECT_FALSE(NetworkSet().Contains(Address("198.51.100.1")));
}

TEST(NetworkSet, RefusesAnEntryAndNamesIt) {
  for (const char* entry : {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "host/8",
                            "2001:db8::/129", "::ffff:10.0.0.0/104", "10.0.0.0/8/8"}) {
    const std::vector<std::string> entries = {entry};
    const auto set = NetworkSet::Parse(entries);
    ASSERT_FALSE(set.has_value()) << entry;
    EXPECT_EQ(set.error().code, Code::kMalformed);
  }
  const std::vector<std::string> loose = {"10.1.2.3/8"};
  EXPECT_NE(NetworkSet::Parse(loose).error().message.find("10.0.0.0/8?"), std::string::npos);
}

}  // namespace
}  // namespace countersign::net
