#include "agent/package_folder.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>
#include <utility>

namespace countersign::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxProgramLen = 128UL * 1024 * 1024;
// What of a package is used; anything else in an archive is left there.
constexpr std::array<std::string_view, 2> kSettings = {"OfcNTCer.dat", "package.toml"};
constexpr std::array<std::string_view, 2> kPrograms = {"countersign-agentd", "IpXfer"};

bool IsWanted(std::string_view name) {
  return std::ranges::find(kSettings, name) != kSettings.end() ||
         std::ranges::find(kPrograms, name) != kPrograms.end();
}

Status Unpack(const fs::path& archive, const fs::path& folder) {
  const auto file = ReadFile(archive, keys::kMaxTarLen);
  if (!file) return std::unexpected(file.error());
  const auto entries = keys::ReadTarGz(*file);
  if (!entries) {
    return Fail(entries.error().code, archive.string() + ": " + entries.error().message,
                "countersign agents package -o DIR (on the server) makes one");
  }
  for (const auto& entry : *entries) {
    // The files are in one folder of the archive, whatever its name.
    const std::size_t slash = entry.name.find('/');
    const std::string name = slash == std::string::npos ? entry.name : entry.name.substr(slash + 1);
    if (entry.kind != keys::TarEntry::Kind::kFile || !IsWanted(name)) continue;
    COUNTERSIGN_RETURN_IF_ERROR(
        WriteFileAtomically(folder / name, entry.content, FileMode::kPrivate));
  }
  return {};
}

}  // namespace

Result<PackageFolder> PackageFolder::Open(const fs::path& package, const fs::path& agent_folder) {
  std::error_code failed;
  if (!fs::is_regular_file(package, failed)) return PackageFolder(package);
  if (package.extension() == ".deb") {
    return Fail(Code::kUsage, package.string() + " is a Debian package");
  }
  auto folder = NewFolder::Begin(fs::absolute(agent_folder).string() + ".package");
  if (!folder) return std::unexpected(std::move(folder).error());
  COUNTERSIGN_RETURN_IF_ERROR(Unpack(package, folder->path()));
  const fs::path path = folder->path();
  return PackageFolder(path, *std::move(folder));
}

Result<std::vector<keys::TarEntry>> PackageFolder::Programs() const {
  std::vector<keys::TarEntry> programs;
  std::error_code failed;
  for (const std::string_view name : kPrograms) {
    if (!fs::is_regular_file(path_ / name, failed)) return std::vector<keys::TarEntry>();
    auto content = ReadFile(path_ / name, kMaxProgramLen);
    if (!content) return std::unexpected(std::move(content).error());
    programs.push_back({.name = std::string(name), .content = *std::move(content), .mode = 0755});
  }
  return programs;
}

}  // namespace countersign::agent
