#include "keys/zip.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "keys/archive_fixture.h"
#include "tests/support/command.h"

namespace countersign::keys {
namespace {

std::vector<ZipEntry> SampleZip() {
  return {{.name = "a.txt", .content = ToBytes("first")},
          {.name = "folder/b.txt", .content = ToBytes("second")},
          {.name = "c.bin", .content = Bytes(200'000, 0x7f)}};
}

TEST(ZipTest, ComesBack) {
  const Bytes file = WriteZip(SampleZip(), kAt).value();
  EXPECT_TRUE(IsZip(file));
  const auto entries = ReadZip(file, {"folder/b.txt", "c.bin"}).value();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].name, "folder/b.txt");
  EXPECT_EQ(entries[0].content, ToBytes("second"));
  EXPECT_EQ(entries[1].content, Bytes(200'000, 0x7f));
}

TEST(ZipTest, WithoutATimeEqualEntriesMakeEqualOctetsInEveryTimeZone) {
  const char* const before = std::getenv("TZ");
  const std::string kept = before == nullptr ? "" : before;
  std::vector<Bytes> files;
  for (const char* zone : {"UTC", "Pacific/Kiritimati", "America/Los_Angeles"}) {
    setenv("TZ", zone, 1);
    tzset();
    files.push_back(WriteZip(SampleZip(), std::nullopt).value());
  }
  before == nullptr ? unsetenv("TZ") : setenv("TZ", kept.c_str(), 1);
  tzset();
  EXPECT_EQ(files[0], files[1]);
  EXPECT_EQ(files[0], files[2]);
}

TEST(ZipTest, ModesAreThereAfterUnzip) {
  const testing::TemporaryFolder folder;
  auto entries = SampleZip();
  entries[1].mode = ZipMode::kPublic;
  entries[2].mode = ZipMode::kProgram;
  folder.Write("modes.zip", WriteZip(entries, std::nullopt).value());
  const auto done = testing::RunCommand(
      folder, "unzip -q modes.zip -d out && cd out && stat -c '%a %n' a.txt folder/b.txt c.bin");
  EXPECT_EQ(done.output, "600 a.txt\n644 folder/b.txt\n755 c.bin\n");
}

TEST(ZipTest, OtherProgramsReadAndWriteIt) {
  const testing::TemporaryFolder folder;
  folder.Write("ours.zip", WriteZip(SampleZip(), kAt).value());
  const auto theirs = testing::RunCommand(
      folder,
      "python3 -m zipfile -t ours.zip && python3 -m zipfile -e ours.zip out && "
      "cat out/a.txt out/folder/b.txt && python3 -m zipfile -c theirs.zip out/a.txt");
  EXPECT_EQ(theirs.exit_code, 0) << theirs.output;
  EXPECT_NE(theirs.output.find("firstsecond"), std::string::npos) << theirs.output;
  const auto entries = ReadZip(folder.Read("theirs.zip"), {"a.txt"}).value();
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].content, ToBytes("first"));
}

TEST(ZipTest, EveryTruncationIsRefusedOrWhole) {
  const Bytes file = WriteZip({{.name = "a.txt", .content = ToBytes("first")}}, kAt).value();
  for (std::size_t len = 0; len < file.size(); ++len) {
    EXPECT_FALSE(ReadZip(ByteView(file).first(len), {"a.txt"}).has_value()) << len;
  }
}

TEST(ZipTest, DamagedContentIsRefused) {
  Bytes file = WriteZip({{.name = "a.txt", .content = ToBytes("first")}}, kAt).value();
  bool refused = false;
  for (std::size_t i = 0; i < file.size(); ++i) {
    file[i] ^= 0x20;
    const auto read = ReadZip(file, {"a.txt"});
    if (!read) refused = true;
    for (const auto& entry : read ? *read : std::vector<ZipEntry>()) {
      EXPECT_EQ(entry.content, ToBytes("first")) << i;
    }
    file[i] ^= 0x20;
  }
  EXPECT_TRUE(refused);
}

TEST(ZipTest, TwoOfOneNameAreRefused) {
  const auto file =
      WriteZip({{.name = "a", .content = ToBytes("1")}, {.name = "a", .content = ToBytes("2")}},
               kAt)
          .value();
  EXPECT_EQ(ReadZip(file, {"a"}).error().code, Code::kMalformed);
  EXPECT_TRUE(ReadZip(file, {"b"}).has_value());
}

TEST(ZipTest, BombIsRefused) {
  const auto file =
      WriteZip({{.name = "a", .content = Bytes(kMaxZipContentLen + 1, 0)}}, kAt).value();
  EXPECT_LT(file.size(), kMaxZipContentLen / 100);
  EXPECT_EQ(ReadZip(file, {"a"}).error().code, Code::kMalformed);
}

TEST(ZipTest, FolderOfThatNameIsRefused) {
  const testing::TemporaryFolder folder;
  const auto made = testing::RunCommand(
      folder, "mkdir certificates.pfx && python3 -m zipfile -c x.zip certificates.pfx/");
  ASSERT_EQ(made.exit_code, 0) << made.output;
  EXPECT_EQ(ReadZip(folder.Read("x.zip"), {"certificates.pfx/"}).error().code, Code::kMalformed);
}

}  // namespace
}  // namespace countersign::keys
