#include "cli/endpoint_package.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/files.h"
#include "cli/unit_text.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;
using keys::TarEntry;

constexpr std::size_t kMaxProgramLen = 128UL * 1024 * 1024;
constexpr std::string_view kInstalledPrograms = "/usr/lib/countersign/endpoint";

#if defined(__aarch64__)
constexpr std::string_view kArchitecture = "arm64";
#else
constexpr std::string_view kArchitecture = "amd64";
#endif

constexpr std::string_view kInstallScript = R"sh(#!/bin/sh
# Installs the agent from this folder, or mends the one that is installed. As root:  sh install.sh
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
chmod u+x "$here/countersign-agentd" 2>/dev/null || true
exec "$here/countersign-agentd" install --from "$here" "$@"
)sh";

constexpr std::string_view kReadme = R"sh(Countersign agent: installation package

  sh install.sh            as root: makes user, folder and service, and starts the agent;
                           on a machine with an agent: mends it
  sh install.sh --help     what else can be said

package.toml may hold an enrolment token: who can read it can have agents admitted until the token
ends. IpXfer and OfcNTCer.dat renew the trust of an agent that is installed:
  ./IpXfer -e OfcNTCer.dat
)sh";

constexpr std::string_view kPostinst = R"sh(#!/bin/sh
# Makes user, folder and service and starts the agent; mends one that is installed. The unload
# password of an agent that has one, if its trust or its server has to change:
# COUNTERSIGN_UNLOAD_PASSWORD in the environment.
set -e
case "$1" in
configure)
  /usr/bin/countersign-agentd install --packaged --from /usr/share/countersign-agent
  ;;
abort-upgrade | abort-remove | abort-deconfigure)
  /usr/bin/countersign-agentd start || true
  ;;
esac
)sh";

constexpr std::string_view kPrerm = R"sh(#!/bin/sh
# Asks nothing. Where an unload password is set, it has to be in COUNTERSIGN_UNLOAD_PASSWORD:
# otherwise the package stays. (Root can take it away all the same: systemctl stop
# countersign-agentd, and an empty /var/lib/dpkg/info/countersign-agent.prerm.)
set -e
case "$1" in
remove | deconfigure)
  /usr/bin/countersign-agentd stop --unload
  if [ -d /run/systemd/system ]; then
    systemctl disable countersign-agentd.service >/dev/null 2>&1 || true
  fi
  ;;
esac
)sh";

constexpr std::string_view kPostrm = R"sh(#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
fi
if [ "$1" = purge ]; then
  rm -rf /var/lib/countersign-agent
  if id countersign-agent >/dev/null 2>&1; then
    userdel countersign-agent >/dev/null 2>&1 || true
  fi
fi
)sh";

TarEntry File(std::string name, Bytes content, std::uint32_t mode) {
  return {.name = std::move(name), .content = std::move(content), .mode = mode};
}
TarEntry Folder(std::string name, std::uint32_t mode = 0755) {
  return {.name = std::move(name), .mode = mode, .kind = TarEntry::Kind::kFolder};
}

Result<Bytes> FirstOf(const std::vector<fs::path>& paths) {
  std::error_code failed;
  for (const fs::path& path : paths) {
    if (fs::is_regular_file(path, failed)) return ReadFile(path, kMaxProgramLen);
  }
  return Fail(Code::kNotFound, "no program " + paths.front().string() + " to put into the package",
              "--programs FOLDER says where countersign-agentd and IpXfer are; --no-programs makes "
              "the package without them");
}

// The size of what is installed, in KiB, as dpkg wants it.
std::size_t InstalledSize(const std::vector<TarEntry>& files) {
  std::size_t kib = 0;
  for (const TarEntry& file : files) kib += 1 + file.content.size() / 1'024;
  return kib;
}

std::string Control(std::size_t installed_size, Instant at) {
  // The time in the version: a package that was made later replaces one that was made earlier.
  return "Package: countersign-agent\nVersion: " + std::string(COUNTERSIGN_VERSION) + "+" +
         std::to_string(ToUnix(at)) + "\nArchitecture: " + std::string(kArchitecture) +
         "\nMaintainer: the administrator of the management server <root@localhost>\n"
         "Installed-Size: " +
         std::to_string(installed_size) +
         "\nDepends: passwd\nSection: admin\nPriority: optional\n"
         "Description: Countersign agent of one management server\n"
         " The agent obeys the server whose certificate is in this package, and no other.\n";
}

}  // namespace

Result<EndpointPrograms> FindPrograms(const fs::path& folder) {
  std::error_code failed;
  std::vector<fs::path> folders = {folder};
  if (folder.empty()) {
    const fs::path here = fs::read_symlink("/proc/self/exe", failed).parent_path();
    folders = {here / "endpoint", here, fs::path(kInstalledPrograms)};
  }
  const auto find = [&](const char* name) {
    std::vector<fs::path> paths;
    for (const fs::path& in : folders) paths.push_back(in / name);
    return FirstOf(paths);
  };
  auto agent = find("countersign-agentd");
  if (!agent) return std::unexpected(std::move(agent).error());
  auto mover = find("IpXfer");
  if (!mover) return std::unexpected(std::move(mover).error());
  return EndpointPrograms{*std::move(agent), *std::move(mover)};
}

Result<PackageForm> PackageFormOf(const fs::path& output) {
  static constexpr std::array<std::string_view, 14> kOthers = {
      ".rpm", ".apk", ".pkg", ".msi", ".exe", ".dmg", ".zip",
      ".7z",  ".tar", ".gz",  ".bz2", ".xz",  ".zst", ".txz"};
  const std::string name = output.filename().string();
  if (name.ends_with(".deb")) return PackageForm::kDeb;
  if (name.ends_with(".tar.gz") || name.ends_with(".tgz")) return PackageForm::kTarGz;
  const auto is_end = [&](std::string_view end) { return name.ends_with(end); };
  if (std::ranges::none_of(kOthers, is_end)) return PackageForm::kFolder;
  return Fail(Code::kUsage,
              "\"" + name + "\" is the name of a kind of package that is not made here",
              "-o with a file that ends in .tar.gz or .deb, or with a folder");
}

std::vector<TarEntry> ProgramEntries(EndpointPrograms programs) {
  return {File("countersign-agentd", std::move(programs.agent), 0755),
          File("IpXfer", std::move(programs.mover), 0755)};
}

std::vector<TarEntry> FolderEntries(const EndpointPackage& package) {
  std::vector<TarEntry> entries = {File("OfcNTCer.dat", package.certificate, 0644),
                                   File("package.toml", package.settings, 0600)};
  if (package.programs.empty()) return entries;
  entries.insert(entries.end(), package.programs.begin(), package.programs.end());
  entries.push_back(File(
      "countersign-agentd.service",
      ToBytes(AgentUnit("/opt/countersign-agent/countersign-agentd", "/var/lib/countersign-agent")),
      0644));
  entries.push_back(File("install.sh", ToBytes(kInstallScript), 0755));
  entries.push_back(File("README", ToBytes(kReadme), 0644));
  return entries;
}

std::vector<TarEntry> ArchiveEntries(const EndpointPackage& package) {
  std::vector<TarEntry> entries = {Folder("countersign-agent", 0700)};
  for (TarEntry& entry : FolderEntries(package)) {
    entry.name = "countersign-agent/" + entry.name;
    entries.push_back(std::move(entry));
  }
  return entries;
}

keys::DebPackage DebFor(const EndpointPackage& package, Instant at) {
  keys::DebPackage deb;
  for (const char* const name : {"./", "./usr", "./usr/bin", "./usr/lib", "./usr/lib/systemd",
                                 "./usr/lib/systemd/system", "./usr/share"}) {
    deb.files.push_back(Folder(name));
  }
  deb.files.push_back(Folder("./usr/share/countersign-agent", 0700));
  for (const TarEntry& program : package.programs) {
    deb.files.push_back(program);
    deb.files.back().name = "./usr/bin/" + program.name;
  }
  deb.files.push_back({.name = "./usr/bin/IpXfer_x64",
                       .mode = 0777,
                       .kind = TarEntry::Kind::kLink,
                       .target = "IpXfer"});
  deb.files.push_back(
      File("./usr/lib/systemd/system/countersign-agentd.service",
           ToBytes(AgentUnit("/usr/bin/countersign-agentd", "/var/lib/countersign-agent")), 0644));
  deb.files.push_back(
      File("./usr/share/countersign-agent/OfcNTCer.dat", package.certificate, 0644));
  deb.files.push_back(File("./usr/share/countersign-agent/package.toml", package.settings, 0600));
  deb.scripts = {File("./postinst", ToBytes(kPostinst), 0755),
                 File("./prerm", ToBytes(kPrerm), 0755), File("./postrm", ToBytes(kPostrm), 0755)};
  deb.control = Control(InstalledSize(deb.files), at);
  return deb;
}

}  // namespace countersign::cli
