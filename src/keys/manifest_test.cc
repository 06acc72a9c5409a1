#include "keys/manifest.h"

#include <gtest/gtest.h>

namespace countersign::keys {
namespace {

AgentId NthAgent(std::size_t number) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return AgentId(bytes);
}

BackupManifest SampleManifest() {
  BackupManifest manifest;
  manifest.server_ids = {NthAgent(7), NthAgent(5)};
  manifest.generations = {{NthAgent(7), 1}, {NthAgent(5), (std::uint64_t{1} << 53) - 1}};
  manifest.admitted = {NthAgent(1), NthAgent(2)};
  manifest.written_at = FromUnix(1'790'000'000);
  manifest.history = ToBytes("opaque");
  return manifest;
}

constexpr std::string_view kEmpty =
    R"({"version":1,"servers":[],"generations":{},"admitted":"","written_at":0,"history":""})";

TEST(ManifestTest, ComesBackWithEveryField) {
  EXPECT_EQ(ParseManifest(FormatManifest(SampleManifest())).value(), SampleManifest());
}

TEST(ManifestTest, DigestOfTheAutomaticBackupComesBack) {
  BackupManifest manifest = SampleManifest();
  manifest.automatic_backup.emplace().fill(0xa5);
  EXPECT_EQ(ParseManifest(FormatManifest(manifest)).value(), manifest);
  std::string short_one(kEmpty);
  short_one.insert(short_one.size() - 1, R"(,"automatic_backup":"AAAA")");
  EXPECT_EQ(ParseManifest(short_one).error().code, Code::kMalformed);
}

TEST(ManifestTest, RevokedCertificatesComeBackInTheirOrder) {
  BackupManifest manifest = SampleManifest();
  manifest.revoked.resize(2);
  manifest.revoked[1].fill(0xa5);
  EXPECT_EQ(ParseManifest(FormatManifest(manifest)).value(), manifest);
  std::swap(manifest.revoked[0], manifest.revoked[1]);
  EXPECT_EQ(ParseManifest(FormatManifest(manifest)).error().code, Code::kMalformed);
  std::string short_one(kEmpty);
  short_one.insert(short_one.size() - 1, R"(,"revoked":"AAAA")");
  EXPECT_EQ(ParseManifest(short_one).error().code, Code::kMalformed);
}

TEST(ManifestTest, EmptyOneHasThisForm) {
  EXPECT_EQ(FormatManifest(BackupManifest()), kEmpty);
  EXPECT_EQ(ParseManifest(kEmpty).value(), BackupManifest());
}

TEST(ManifestTest, ThousandsOfAgentsTakeLittleRoom) {
  BackupManifest manifest = SampleManifest();
  for (std::size_t i = 0; i < 45'000; ++i) manifest.admitted.push_back(NthAgent(i));
  const std::string text = FormatManifest(manifest);
  EXPECT_LT(text.size(), 45'000U * 22);
  EXPECT_EQ(ParseManifest(text).value(), manifest);
}

TEST(ManifestTest, TimeBeforeTheEpochComesBack) {
  BackupManifest manifest;
  manifest.written_at = FromUnix(-1);
  EXPECT_EQ(ParseManifest(FormatManifest(manifest)).value(), manifest);
}

TEST(ManifestTest, NewerFormIsRefusedByName) {
  const auto manifest = ParseManifest(R"({"version":2,"whatever":true})");
  ASSERT_FALSE(manifest.has_value());
  EXPECT_EQ(manifest.error().code, Code::kRefused);
}

// With() puts `replacement` in the place of `part` of the empty manifest.
std::string With(std::string_view part, std::string_view replacement) {
  std::string text(kEmpty);
  text.replace(text.find(part), part.size(), replacement);
  return text;
}

class ManifestMalformedTest : public ::testing::TestWithParam<std::string> {};

TEST_P(ManifestMalformedTest, IsRefused) {
  const auto manifest = ParseManifest(GetParam());
  ASSERT_FALSE(manifest.has_value());
  EXPECT_EQ(manifest.error().code, Code::kMalformed);
}

INSTANTIATE_TEST_SUITE_P(
    All, ManifestMalformedTest,
    ::testing::Values(
        "", "[]", "{}", "null", "{\"version\":1}", std::string(kEmpty) + " ",
        " " + std::string(kEmpty), With("\"version\":1", "\"version\":0"),
        With("\"version\":1", "\"version\":\"1\""),
        With("\"version\":1", "\"version\":1,\"version\":1"),
        With("\"version\":1", "\"version\":1,\"extra\":1"), With("\"version\":1", "\"version\": 1"),
        With("\"written_at\":0", "\"written_at\":0.0"),
        With("\"written_at\":0", "\"written_at\":-0"),
        With("\"written_at\":0", "\"written_at\":null"), With("\"servers\":[]", "\"servers\":{}"),
        With("\"servers\":[]", "\"servers\":[\"x\"]"),
        With("\"servers\":[]", "\"servers\":[[[[]]]]"),
        With("\"generations\":{}", "\"generations\":{\"x\":1}"),
        With("\"generations\":{}", "\"generations\":{\"00000000-0000-0000-0000-000000000000\":-1}"),
        With("\"generations\":{}",
             "\"generations\":{\"00000000-0000-0000-0000-000000000000\":9007199254740992}"),
        With("\"admitted\":\"\"", "\"admitted\":\"AA\""),
        With("\"admitted\":\"\"", "\"admitted\":\"A\""),
        With("\"admitted\":\"\"", "\"admitted\":[]"), With("\"history\":\"\"", "\"history\":\"=\""),
        With("\"history\":\"\"", "\"histor\\u0079\":\"\"")));

}  // namespace
}  // namespace countersign::keys
