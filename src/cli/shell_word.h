#pragma once

#include <string>
#include <string_view>

namespace countersign::cli {

// ShellWord is `text` as one word of a POSIX shell's command line: for commands that are printed to
// be typed.
[[nodiscard]] std::string ShellWord(std::string_view text);

}  // namespace countersign::cli
