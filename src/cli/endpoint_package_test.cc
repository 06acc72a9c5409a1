#include "cli/endpoint_package.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "cli/package_command.h"
#include "cli/unit_text.h"

namespace countersign::cli {
namespace {

EndpointPackage Sample() {
  return {.certificate = ToBytes("certificate"),
          .settings = ToBytes("settings"),
          .programs = ProgramEntries({ToBytes("agent"), ToBytes("mover")})};
}

std::uint32_t ModeOf(const std::vector<keys::TarEntry>& entries, std::string_view name) {
  const auto at = std::ranges::find(entries, name, &keys::TarEntry::name);
  return at == entries.end() ? 0 : at->mode;
}

TEST(EndpointPackageTest, OnlyProgramsRunAndSettingsArePrivate) {
  const auto entries = FolderEntries(Sample());
  EXPECT_EQ(ModeOf(entries, "package.toml"), 0600U);
  EXPECT_EQ(ModeOf(entries, "OfcNTCer.dat"), 0644U);
  for (const char* const name : {"countersign-agentd", "IpXfer", "install.sh"}) {
    EXPECT_EQ(ModeOf(entries, name), 0755U) << name;
  }
}

TEST(EndpointPackageTest, WithoutProgramsItIsCertificateAndSettings) {
  EndpointPackage package = Sample();
  package.programs.clear();
  EXPECT_EQ(FolderEntries(package).size(), 2U);
}

TEST(EndpointPackageTest, DebHasEachFolderBeforeWhatIsInIt) {
  const auto deb = DebFor(Sample(), FromUnix(1'790'000'000));
  std::vector<std::string> folders = {"."};
  for (const auto& entry : deb.files) {
    std::string name = entry.name;
    if (name.ends_with('/')) name.pop_back();
    const auto parent = name == "." ? name : name.substr(0, name.rfind('/'));
    EXPECT_TRUE(std::ranges::find(folders, parent) != folders.end()) << entry.name;
    if (entry.kind == keys::TarEntry::Kind::kFolder) folders.push_back(name);
  }
  EXPECT_EQ(ModeOf(deb.files, "./usr/share/countersign-agent/package.toml"), 0600U);
}

TEST(EndpointPackageTest, DebOfLaterHasAHigherVersion) {
  const auto control = DebFor(Sample(), FromUnix(1'790'000'000)).control;
  EXPECT_NE(control.find("+1790000000\n"), std::string::npos) << control;
  EXPECT_TRUE(control.ends_with('\n'));
}

TEST(PackageFormOfTest, ByTheEndOfTheName) {
  EXPECT_EQ(PackageFormOf("a/agents.deb").value(), PackageForm::kDeb);
  EXPECT_EQ(PackageFormOf("agents.tar.gz").value(), PackageForm::kTarGz);
  EXPECT_EQ(PackageFormOf("agents.tgz").value(), PackageForm::kTarGz);
  for (const char* const name : {"agents", "eu.paris", "agents/", "agents.deb/"}) {
    EXPECT_EQ(PackageFormOf(name).value(), PackageForm::kFolder) << name;
  }
  for (const char* const name : {"x.rpm", "x.zip", "x.tar", "x.tar.xz", "x.msi"}) {
    EXPECT_FALSE(PackageFormOf(name).has_value()) << name;
  }
}

TEST(UnitTextTest, ProgramAndFolderAreTheAgents) {
  const std::string unit = AgentUnit("/opt/agent", "/srv/an agent");
  EXPECT_NE(unit.find("ExecStart=/opt/agent --agent-folder \"/srv/an agent\"\n"), std::string::npos)
      << unit;
  EXPECT_NE(unit.find("ReadWritePaths=\"/srv/an agent\"\n"), std::string::npos) << unit;
  EXPECT_EQ(unit.find("/var/lib/countersign-agent"), std::string::npos) << unit;
}

TEST(UnitTextTest, WhatSystemdWouldExpandIsDoubled) {
  EXPECT_NE(AgentUnit("/opt/100%$HOME", "/a").find("ExecStart=/opt/100%%$$HOME "),
            std::string::npos);
}

TEST(ParseUntilTest, DayLastsUntilItsEnd) {
  EXPECT_EQ(FormatUtc(ParseUntil("2027-01-31").value()), "2027-02-01T00:00:00Z");
  EXPECT_EQ(FormatUtc(ParseUntil("2027-01-31T12:00:00Z").value()), "2027-01-31T12:00:00Z");
  for (const char* const text : {"", "tomorrow", "2027-02-30", "2027-1-1", "31.01.2027"}) {
    EXPECT_FALSE(ParseUntil(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace countersign::cli
