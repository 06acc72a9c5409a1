#include "cli/agent_service.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "base/files.h"
#include "base/run_tool.h"
#include "base/service_user.h"
#include "cli/unit_text.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxUnitLen = 64UL * 1024;
constexpr std::string_view kLinkFolder = "/usr/local/bin";
constexpr std::array<std::string_view, 3> kPrograms = {"countersign-agentd", "IpXfer",
                                                       "IpXfer_x64"};

Status Failed(const fs::path& path, const std::error_code& failed) {
  if (!failed) return {};
  const bool denied = failed == std::errc::permission_denied ||
                      failed == std::errc::operation_not_permitted ||
                      failed == std::errc::read_only_file_system;
  return Fail(denied ? Code::kPermissionDenied : Code::kIo,
              path.string() + ": " + failed.message());
}

Status Link(const fs::path& target, const fs::path& link) {
  std::error_code failed;
  if (fs::is_symlink(link, failed) && fs::read_symlink(link, failed) == target) return {};
  if (fs::symlink_status(link, failed).type() != fs::file_type::not_found) return {};
  fs::create_symlink(target, link, failed);
  return Failed(link, failed);
}

void RemoveLink(const fs::path& target, const fs::path& link) {
  std::error_code failed;
  if (fs::is_symlink(link, failed) && fs::read_symlink(link, failed) == target) {
    fs::remove(link, failed);
  }
}

// The first failure is kept.
void Note(Status& first, Status next) {
  if (first && !next) first = std::move(next);
}

}  // namespace

bool HasSystemd() {
  std::error_code failed;
  return fs::is_directory(fs::symlink_status("/run/systemd/system", failed));
}

fs::path UnitFor(const fs::path& folder) {
  for (const char* const path : {kUnitPath, kPackagedUnitPath}) {
    const auto text = ReadFile(path, kMaxUnitLen);
    // The unit in /etc counts, as for systemd, also if it is about another folder.
    if (!text) continue;
    const std::string written = AgentUnit("/", folder);
    const std::size_t begin = written.find("ReadWritePaths=");
    const std::string line = written.substr(begin, written.find('\n', begin) + 1 - begin);
    return AsText(*text).find(line) != std::string_view::npos ? fs::path(path) : fs::path();
  }
  return {};
}

Status MakeServiceUser() {
  if (FindLocalUser(kServiceUser)) return {};
  const auto made =
      MustRunTool("useradd", {"--system", "--user-group", "--no-create-home", "--home-dir",
                              "/nonexistent", "--shell", "/usr/sbin/nologin", kServiceUser});
  if (!made) return made;
  if (FindLocalUser(kServiceUser)) return {};
  return Fail(Code::kIo, std::string("useradd made no user ") + kServiceUser + " in /etc/passwd");
}

Status PlacePrograms(const std::vector<keys::TarEntry>& programs) {
  std::error_code failed;
  const fs::path folder = kProgramFolder;
  fs::create_directories(folder, failed);
  COUNTERSIGN_RETURN_IF_ERROR(Failed(folder, failed));
  fs::permissions(folder, fs::perms(0755), failed);
  for (const auto& program : programs) {
    const fs::path path = folder / program.name;
    COUNTERSIGN_RETURN_IF_ERROR(WriteFileAtomically(path, program.content, FileMode::kPublic));
    fs::permissions(path, fs::perms(0755), failed);
    COUNTERSIGN_RETURN_IF_ERROR(Failed(path, failed));
  }
  COUNTERSIGN_RETURN_IF_ERROR(Link("IpXfer", folder / "IpXfer_x64"));
  for (const std::string_view name : kPrograms) {
    COUNTERSIGN_RETURN_IF_ERROR(Link(folder / name, fs::path(kLinkFolder) / name));
  }
  return {};
}

Status PlaceUnit(const fs::path& program, const fs::path& folder) {
  if (folder.string().find_first_of("\r\n") != std::string::npos) {
    return Fail(Code::kUsage, "a folder with a line end in its name cannot be in a unit");
  }
  const std::string unit = AgentUnit(program, folder);
  COUNTERSIGN_RETURN_IF_ERROR(WriteFileAtomically(kUnitPath, AsBytes(unit), FileMode::kPublic));
  return HasSystemd() ? MustRunTool("systemctl", {"daemon-reload"}) : Status();
}

Status EnableAndStart() {
  COUNTERSIGN_RETURN_IF_ERROR(MustRunTool("systemctl", {"enable", kServiceName}));
  const auto started = MustRunTool("systemctl", {"restart", kServiceName});
  if (started) return {};
  return Fail(started.error().code, started.error().message,
              std::string("journalctl -u ") + kServiceName + " -n 50");
}

Status RemoveService() {
  Status first;
  std::error_code failed;
  const bool has_unit = fs::exists(kUnitPath, failed);
  if (has_unit && HasSystemd()) {
    Note(first, MustRunTool("systemctl", {"disable", "--now", kServiceName}));
  }
  if (has_unit) {
    Note(first, RemoveDurably(kUnitPath));
    if (HasSystemd()) Note(first, MustRunTool("systemctl", {"daemon-reload"}));
  }
  const fs::path folder = kProgramFolder;
  for (const std::string_view name : kPrograms) {
    RemoveLink(folder / name, fs::path(kLinkFolder) / name);
    fs::remove(folder / name, failed);
  }
  fs::remove(folder, failed);  // what somebody else put there keeps it
  return first;
}

Status RemoveServiceUser() {
  static constexpr int kInUse = 8;  // userdel(8)
  static constexpr int kMostTries = 50;
  if (!FindLocalUser(kServiceUser)) return {};
  for (int tries = 1;; ++tries) {
    const auto end = RunTool("userdel", {kServiceUser});
    if (!end) return std::unexpected(end.error());
    if (end->exit_code == 0) return {};
    if (end->exit_code != kInUse || tries == kMostTries) {
      return Fail(Code::kIo, "userdel: " + end->output, std::string("userdel ") + kServiceUser);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

}  // namespace countersign::cli
