#include "cli/output_file.h"

#include "cli/pasted.h"
#include "cli/shell_word.h"

namespace countersign::cli {

namespace fs = std::filesystem;

namespace {

bool IsInDevices(const fs::path& folder) {
  std::error_code failed;
  const std::string place = fs::canonical(folder, failed).string() + "/";
  return place.starts_with("/dev/") || place.starts_with("/proc/");
}

}  // namespace

Status CheckOutput(const fs::path& path, Existing existing, std::string_view replace) {
  if (path.empty()) return Fail(Code::kUsage, "a file name is needed, and it is empty");
  std::error_code failed;
  const auto folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (fs::status(folder, failed).type() == fs::file_type::not_found) {
    return Fail(Code::kNotFound, "there is no folder " + folder.string(),
                "mkdir -p " + ShellWord(folder.string()));
  }
  const auto there = fs::symlink_status(path, failed).type();
  if (there == fs::file_type::not_found || there == fs::file_type::none ||
      there == fs::file_type::unknown) {
    // Whoever pastes a path of Windows gets a hint, and no oddly named file; what else is wrong is
    // found when it is written.
    const auto of_here =
        PastedPath("the path", path.string(), [](const std::string&) { return true; });
    return of_here ? Status() : std::unexpected(of_here.error());
  }
  if (fs::is_directory(path, failed)) {
    return Fail(Code::kUsage, path.string() + " is a folder", "give the name of a file in it");
  }
  // A link like /dev/stdout would be replaced itself.
  const bool to_device = there == fs::file_type::symlink && fs::exists(path, failed) &&
                         (!fs::is_regular_file(path, failed) || IsInDevices(folder));
  if (to_device || (there != fs::file_type::regular && there != fs::file_type::symlink)) {
    return Fail(Code::kUsage, path.string() + " is no regular file", "give the name of a file");
  }
  if (existing == Existing::kReplace) return {};
  return Fail(Code::kAlreadyExists, path.string() + " is there already; nothing was done",
              "give another name, or " + std::string(replace) + " to overwrite it");
}

Status WriteOutput(const fs::path& path, ByteView content, FileMode mode, Existing existing) {
  COUNTERSIGN_RETURN_IF_ERROR(CheckOutput(path, existing));
  return WriteFileAtomically(path, content, mode);
}

}  // namespace countersign::cli
