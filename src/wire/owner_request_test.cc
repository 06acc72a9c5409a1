#include "wire/owner_request.h"

#include <gtest/gtest.h>

namespace countersign::wire {
namespace {

Uuid Id(std::uint8_t fill) {
  std::array<std::uint8_t, 16> octets{};
  octets.fill(fill);
  return Uuid(octets);
}

OwnerRequest SampleRequest() {
  OwnerRequest request{.server_ids = {Id(1), Id(2)},
                       .generation = 1'790'000'000,
                       .common_name = "OfficeScan Server NTSG",
                       .not_before = FromUnix(1'790'000'000),
                       .not_after = FromUnix(1'800'000'000),
                       .reserve_not_after = FromUnix(1'810'000'000),
                       .active_key = ToBytes("active"),
                       .reserve_key = ToBytes("reserve"),
                       .owner = {},
                       .compromised = true,
                       .created = FromUnix(1'790'000'001),
                       .certificates = {ToBytes("one"), ToBytes("two")},
                       .admitted = {Id(3), Id(4)}};
  request.owner.fill(0x5a);
  return request;
}

std::string RequestWith(std::string_view from, std::string_view to) {
  std::string text = FormatOwnerRequest(SampleRequest());
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(OwnerRequestTest, ComesBack) {
  EXPECT_EQ(ParseOwnerRequest(FormatOwnerRequest(SampleRequest())).value(), SampleRequest());
}

TEST(OwnerRequestTest, WhatIsOutOfRangeIsRefused) {
  for (const auto& [from, to] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"countersign-owner-request", "countersign-owner-answer"},
           {"\"generation\":1790000000", "\"generation\":0"},
           {"\"generation\":1790000000", "\"generation\":9007199254740991"},
           {"\"generation\":1790000000", "\"generation\":1.5"},
           {"OfficeScan Server NTSG", ""},
           {"OfficeScan Server NTSG", "a\\nb"},
           {"\"compromised\":true", "\"compromised\":1"},
           {"\"compromised\":true", "\"compromised\":true,\"more\":1"},
           {"\"compromised\":true,", ""},
           {"01010101-0101-0101-0101-010101010101", "0101"},
           {"\"not_after\":1800000000", "\"not_after\":-1"},
           {"cmVzZXJ2ZQ", "YWN0aXZl"},
           {"b25l", ""},
           {"AwMD", "AwM"}}) {
    const auto parsed = ParseOwnerRequest(RequestWith(from, to));
    ASSERT_FALSE(parsed.has_value()) << from << " -> " << to;
    EXPECT_EQ(parsed.error().code, Code::kMalformed);
  }
}

TEST(OwnerRequestTest, NoServerIdIsRefused) {
  OwnerRequest request = SampleRequest();
  request.server_ids.clear();
  EXPECT_FALSE(ParseOwnerRequest(FormatOwnerRequest(request)).has_value());
}

TEST(OwnerAnswerTest, ComesBackAndNothingElseDoes) {
  const OwnerAnswer answer{.active = ToBytes("a"), .reserve = ToBytes("b"), .backup = ToBytes("c")};
  EXPECT_EQ(ParseOwnerAnswer(FormatOwnerAnswer(answer)).value(), answer);
  EXPECT_FALSE(ParseOwnerAnswer(FormatOwnerRequest(SampleRequest())).has_value());
  EXPECT_FALSE(ParseOwnerAnswer("").has_value());
  EXPECT_FALSE(ParseOwnerAnswer(std::string(kMaxOwnerFileLen + 1, ' ')).has_value());
}

}  // namespace
}  // namespace countersign::wire
