#include "keys/tar.h"

#include <gtest/gtest.h>

#include "keys/archive_fixture.h"
#include "tests/support/command.h"

namespace countersign::keys {
namespace {

std::vector<TarEntry> SampleTar() {
  return {{.name = "agent", .mode = 0755, .kind = TarEntry::Kind::kFolder},
          {.name = "agent/package.toml", .content = ToBytes("first"), .mode = 0600},
          {.name = "agent/program", .content = Bytes(300'000, 0x7f), .mode = 0755}};
}

DebPackage SampleDeb() {
  return {
      .control =
          "Package: sample\nVersion: 1\nArchitecture: all\nMaintainer: Nobody "
          "<nobody@example.com>\nDescription: sample\n",
      .scripts = {{.name = "./postinst", .content = ToBytes("#!/bin/sh\n"), .mode = 0755}},
      .files = {
          {.name = "./usr", .mode = 0755, .kind = TarEntry::Kind::kFolder},
          {.name = "./usr/file", .content = ToBytes("content"), .mode = 0600},
          {.name = "./usr/link", .mode = 0777, .kind = TarEntry::Kind::kLink, .target = "file"}}};
}

TEST(TarTest, ComesBack) {
  const Bytes file = WriteTarGz(SampleTar(), kAt).value();
  EXPECT_TRUE(IsGzip(file));
  EXPECT_EQ(ReadTarGz(file).value(), SampleTar());
}

TEST(TarTest, SameEntriesAndTimeMakeTheSameOctets) {
  EXPECT_EQ(WriteTarGz(SampleTar(), kAt).value(), WriteTarGz(SampleTar(), kAt).value());
  EXPECT_EQ(WriteDeb(SampleDeb(), kAt).value(), WriteDeb(SampleDeb(), kAt).value());
}

TEST(TarTest, OtherProgramsReadAndWriteIt) {
  const testing::TemporaryFolder folder;
  folder.Write("ours.tar.gz", WriteTarGz(SampleTar(), kAt).value());
  const auto theirs = testing::RunCommand(
      folder,
      "tar -xzf ours.tar.gz && cat agent/package.toml && stat -c ' %a' agent/package.toml && "
      "tar -czf theirs.tar.gz ./agent");
  EXPECT_EQ(theirs.exit_code, 0) << theirs.output;
  EXPECT_NE(theirs.output.find("first 600"), std::string::npos) << theirs.output;
  EXPECT_EQ(ReadTarGz(folder.Read("theirs.tar.gz"))->size(), 3U);
}

TEST(TarTest, WhatLeadsOutOfTheFolderIsRefused) {
  const testing::TemporaryFolder folder;
  const auto made = testing::RunCommand(
      folder,
      "mkdir in && touch in/a && ln -s /etc/passwd link && ln in/a hard && "
      "tar -czf up.tar.gz -P in/../in/a && tar -czf root.tar.gz -P \"$PWD/in/a\" && "
      "tar -czf link.tar.gz link && tar -czf hard.tar.gz in/a hard && "
      "tar -czf twice.tar.gz in/a in/a --hard-dereference");
  ASSERT_EQ(made.exit_code, 0) << made.output;
  for (const char* const name : {"up", "root", "link", "hard", "twice"}) {
    const auto read = ReadTarGz(folder.Read(std::string(name) + ".tar.gz"));
    ASSERT_FALSE(read.has_value()) << name;
    EXPECT_EQ(read.error().code, Code::kMalformed);
  }
}

TEST(TarTest, DamagedIsRefused) {
  Bytes file = WriteTarGz(SampleTar(), kAt).value();
  EXPECT_FALSE(ReadTarGz(ByteView(file).first(file.size() / 2)).has_value());
  EXPECT_FALSE(ReadTarGz(ToBytes("no archive at all")).has_value());
  EXPECT_FALSE(ReadTarGz({}).has_value());
}

TEST(DebTest, DpkgReadsIt) {
  const testing::TemporaryFolder folder;
  folder.Write("sample.deb", WriteDeb(SampleDeb(), kAt).value());
  const auto theirs =
      testing::RunCommand(folder,
                          "dpkg-deb --info sample.deb && dpkg-deb --contents sample.deb && "
                          "dpkg-deb -x sample.deb out && cat out/usr/link");
  EXPECT_EQ(theirs.exit_code, 0) << theirs.output;
  for (const char* const part : {"Package: sample", "postinst", "-rw-------", "content"}) {
    EXPECT_NE(theirs.output.find(part), std::string::npos) << theirs.output;
  }
}

}  // namespace
}  // namespace countersign::keys
