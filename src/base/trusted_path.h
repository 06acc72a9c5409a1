#pragma once

#include <filesystem>

#include "base/error.h"

namespace countersign {

// CheckTrustedPath fails unless nobody but root could make `path` (absolute) name something else,
// or change what it names: each folder and link on the way, and what is there in the end, belongs
// to root and is not writable by its group or others (a folder of root's with the sticky bit may
// be: nobody else renames root's files there). Links are followed. kNotFound: it is not there.
// kMalformed: a link leads nowhere, or there is a file where a folder should be.
// kPermissionDenied names the place, and the command that mends it. Between check and use only root
// can change the answer.
[[nodiscard]] Status CheckTrustedPath(const std::filesystem::path& path);

}  // namespace countersign
