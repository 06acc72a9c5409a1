#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "cli/switches.h"

// Command lines as people paste them from published procedures, which show a space as U+3000 or ▲
// (U+25B2), a separator of folders as ¥, and put typographic quotation marks around paths. They are
// understood where that is certain, and told otherwise. A password is never touched.
namespace countersign::cli {

// SplitPasted returns the arguments as a shell would have given them. U+3000 directly before or
// after a switch of `specs` is a space. An argument with ▲ is split if its pieces are exactly what
// the switch takes; otherwise it is refused (kUsage), without repeating it. An argument that is the
// password of a switch, with all values of that switch behind it, stays as it is.
[[nodiscard]] Result<Words> SplitPasted(Words args, const std::vector<SwitchSpec>& specs);

// PastedPath removes a pair of typographic quotation marks around a whole path, unless a file of
// that very name exists. kUsage: a separator ¥ or ￥, or X:\…, which here would be the name of an
// oddly named file; `what` names the path for the message, which does not repeat it. "-" is no
// path.
[[nodiscard]] Result<std::string> PastedPath(std::string_view what, std::string_view path,
                                             const std::function<bool(const std::string&)>& exists);

// ParsePasted is all of it: the switches of a pasted command line, with its paths.
[[nodiscard]] Result<Switches> ParsePasted(Words args, const std::vector<SwitchSpec>& specs);

}  // namespace countersign::cli
