#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

namespace countersign {

// IsTerminal tells whether standard input (or output) is a terminal.
[[nodiscard]] bool InputIsTerminal();
[[nodiscard]] bool OutputIsTerminal();

// PromptSecret asks on the controlling terminal without echo, and restores the echo in any case.
// kUsage if there is no terminal to ask on.
[[nodiscard]] Result<SecretBytes> PromptSecret(std::string_view prompt);

// ReadSecretFile reads a password from the first line of a file ("-": standard input); a trailing
// line end is not part of it. At most 1,024 octets. kUsage if the line is empty.
[[nodiscard]] Result<SecretBytes> ReadSecretFile(const std::string& path);

}  // namespace countersign
