#pragma once

#include <filesystem>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "base/files.h"

// Files that a command writes for its caller.
namespace countersign::cli {

enum class Existing { kReplace, kKeep };

// CheckOutput tells before anything else is done whether a file can become `path`: kNotFound (no
// such folder), kAlreadyExists (it is there and shall be kept), kUsage (a path as on Windows,
// which would make an oddly named file; a folder, or no regular file: a device would be replaced by
// a file). `replace` is the option that lets the program overwrite it.
[[nodiscard]] Status CheckOutput(const std::filesystem::path& path, Existing existing,
                                 std::string_view replace = "--replace");

// WriteOutput is CheckOutput and base/files.h WriteFileAtomically. A symbolic link in the place is
// replaced, not followed.
[[nodiscard]] Status WriteOutput(const std::filesystem::path& path, ByteView content, FileMode mode,
                                 Existing existing);

}  // namespace countersign::cli
