#include "wire/move_target.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace countersign::wire {
namespace {

MoveAnnouncement SampleAnnouncement() {
  MoveAnnouncement sample;
  sample.target.server = ServerId::ParseText("0188f1a2-7b3c-8d4e-9f50-617283940a1b").value();
  sample.target.owner.fill(0x11);
  sample.target.generation = 42;
  sample.target.addresses = {"new.example:8080:4343", "[2001:db8::1]:8080"};
  sample.bundle = {Bytes(300, 0x30), Bytes(200, 0x31)};
  return sample;
}

// With one thing in the text replaced by another.
Code CodeWith(const std::string& what, const std::string& by) {
  std::string text = FormatMoveAnnouncement(SampleAnnouncement());
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  text.replace(at, what.size(), by);
  const auto parsed = ParseMoveAnnouncement(text);
  return parsed ? Code::kInternal : parsed.error().code;
}

TEST(MoveAnnouncementTest, ComesBackWhole) {
  EXPECT_EQ(ParseMoveAnnouncement(FormatMoveAnnouncement(SampleAnnouncement())).value(),
            SampleAnnouncement());
}

TEST(MoveAnnouncementTest, AnythingElseIsMalformed) {
  EXPECT_EQ(CodeWith("countersign-move-target", "countersign-owner-request"), Code::kMalformed);
  EXPECT_EQ(CodeWith("\"generation\":42", "\"generation\":0"), Code::kMalformed);
  EXPECT_EQ(CodeWith("\"generation\"", "\"more\":1,\"generation\""), Code::kMalformed);
  EXPECT_EQ(CodeWith("urn:uuid:", "uuid:"), Code::kMalformed);
  EXPECT_EQ(CodeWith("new.example:8080:4343", "new example"), Code::kMalformed);
  EXPECT_EQ(CodeWith("\"bundle\":[\"", "\"bundle\":[\"!"), Code::kMalformed);
  EXPECT_EQ(ParseMoveAnnouncement("").error().code, Code::kMalformed);
}

TEST(MoveAnnouncementTest, BundleOfOneIsMalformed) {
  MoveAnnouncement short_of_owner = SampleAnnouncement();
  short_of_owner.bundle.pop_back();
  EXPECT_FALSE(ParseMoveAnnouncement(FormatMoveAnnouncement(short_of_owner)).has_value());
}

TEST(MoveAnnouncementTest, BundleBeyondTheLimitIsMalformed) {
  MoveAnnouncement large = SampleAnnouncement();
  large.bundle = {Bytes(32 * 1024, 0x30), Bytes(1, 0x31)};
  EXPECT_FALSE(ParseMoveAnnouncement(FormatMoveAnnouncement(large)).has_value());
}

TEST(MoveAnnouncementTest, NoAddressIsMalformed) {
  MoveAnnouncement nowhere = SampleAnnouncement();
  nowhere.target.addresses.clear();
  EXPECT_FALSE(ParseMoveAnnouncement(FormatMoveAnnouncement(nowhere)).has_value());
}

TEST(MoveArgsTest, ComeBackWhole) {
  const MoveArgs args{.warrant = "a.b.c", .bundle = SampleAnnouncement().bundle};
  EXPECT_EQ(ParseMoveArgs(FormatMoveArgs(args)).value(), args);
}

TEST(MoveArgsTest, MissingOrFurtherMembersAreMalformed) {
  EXPECT_FALSE(ParseMoveArgs("{}").has_value());
  EXPECT_FALSE(ParseMoveArgs(R"({"warrant":"a.b.c"})").has_value());
  EXPECT_FALSE(ParseMoveArgs(R"({"bundle":["MA","MA"]})").has_value());
  EXPECT_TRUE(ParseMoveArgs(R"({"warrant":"","bundle":["MA","MA"]})").has_value());
  EXPECT_FALSE(ParseMoveArgs(R"({"warrant":"","bundle":["MA","MA"],"to":"x"})").has_value());
}

TEST(MoveAddressTest, PortsMayBeLeftOut) {
  EXPECT_EQ(ParseMoveAddress("new.example").value(), (MoveAddress{"new.example", 8080, 4343}));
  EXPECT_EQ(ParseMoveAddress("10.0.0.1:81").value(), (MoveAddress{"10.0.0.1", 81, 4343}));
  EXPECT_EQ(ParseMoveAddress("[::1]:81:82").value(), (MoveAddress{"::1", 81, 82}));
  EXPECT_EQ(ParseMoveAddress("[fe80::1%eth0]").value().host, "fe80::1%eth0");
  const MoveAddress usual{"here.example", 7001, 7002};
  EXPECT_EQ(ParseMoveAddress("a", usual).value(), (MoveAddress{"a", 7001, 7002}));
  EXPECT_EQ(ParseMoveAddress("a:81", usual).value(), (MoveAddress{"a", 81, 7002}));
  EXPECT_EQ(ParseMoveAddress("a:81:82", usual).value(), (MoveAddress{"a", 81, 82}));
}

TEST(MoveAddressTest, HostsAreOfAsciiAndWithoutPorts) {
  for (const std::string_view host : {"new", "new-1.example", "a_b", "xn--mnchen-3ya.example",
                                      "192.0.2.1", "2001:db8::1", "fe80::1%eth0"}) {
    EXPECT_TRUE(IsMoveHost(host)) << host;
  }
  for (const std::string_view host :
       {"", "m\xc3\xbcnchen.example", "new:8080", "a b", "[::1]", "new/x", "x:y:z", "a%b"}) {
    EXPECT_FALSE(IsMoveHost(host)) << host;
  }
}

TEST(MoveAddressTest, ComesBackWhole) {
  for (const MoveAddress& address : {MoveAddress{"new", 1, 65'535}, MoveAddress{"2001:db8::1"}}) {
    EXPECT_EQ(ParseMoveAddress(FormatMoveAddress(address)).value(), address);
  }
}

TEST(MoveAddressTest, AnythingElseIsMalformed) {
  for (const std::string_view text :
       {"", ":80", "a b", "new:", "new:0", "new:65536", "new:80:", "new:80:x", "new:80:81:82",
        "2001:db8::1", "[::1", "[]:80", "[::1]80", "http://new", "new/x", "new\n"}) {
    EXPECT_FALSE(ParseMoveAddress(text).has_value()) << text;
  }
}

TEST(MoveAddressTest, OneTooLongForWarrantsSaysWhatCanBeDone) {
  const std::string longest(64, 'a');
  EXPECT_EQ(ParseMoveAddress(longest).value().host, longest);
  const auto refused = ParseMoveAddress(longest + "a");
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("64 octets"), std::string::npos);
  EXPECT_NE(refused.error().message.find("has 65"), std::string::npos);
  EXPECT_NE(refused.error().next.find("--address"), std::string::npos);
}

TEST(MoveAddressTest, UsualPortsAreLeftOutWhereTheyMakeItTooLong) {
  const std::string host(54, 'a');
  EXPECT_EQ(FormatMoveAddress({host}), host + ":8080:4343");
  EXPECT_EQ(FormatMoveAddress({host + "a"}), host + "a:8080");
  EXPECT_EQ(FormatMoveAddress({host + "a", 81, 4343}), host + "a:81:4343");
  EXPECT_EQ(FormatMoveAddress({std::string(60, 'a')}), std::string(60, 'a'));
  EXPECT_EQ(FormatMoveAddress({std::string(60, 'a'), 81, 4343}), std::string(60, 'a') + ":81");
  // Not by another port: too long is told by the parser.
  EXPECT_FALSE(ParseMoveAddress(FormatMoveAddress({host + "a", 8080, 4344})).has_value());
  for (const std::size_t len : {54U, 55U, 59U, 60U, 64U}) {
    const MoveAddress address{std::string(len, 'a')};
    EXPECT_EQ(ParseMoveAddress(FormatMoveAddress(address)).value(), address) << len;
  }
}

TEST(MoveAnnouncementTest, AddressTooLongForWarrantsIsMalformed) {
  MoveAnnouncement announcement = SampleAnnouncement();
  announcement.target.addresses = {std::string(64, 'a')};
  EXPECT_TRUE(ParseMoveAnnouncement(FormatMoveAnnouncement(announcement)).has_value());
  announcement.target.addresses = {std::string(65, 'a')};
  const auto refused = ParseMoveAnnouncement(FormatMoveAnnouncement(announcement));
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("at most 64 octets"), std::string::npos);
}

}  // namespace
}  // namespace countersign::wire
