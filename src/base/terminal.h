#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

namespace countersign {

// Tell whether standard input, output or error is a terminal.
[[nodiscard]] bool InputIsTerminal();
[[nodiscard]] bool OutputIsTerminal();
[[nodiscard]] bool ErrorIsTerminal();

// EmptySecret says whether an empty line is a password: only where a file that exists is opened.
enum class EmptySecret { kRefused, kAllowed };

// PromptSecret asks on the controlling terminal without echo, and restores the echo in any case.
// kUsage if there is no terminal to ask on.
[[nodiscard]] Result<SecretBytes> PromptSecret(std::string_view prompt,
                                               EmptySecret empty = EmptySecret::kRefused);

// PromptText asks on the controlling terminal, with echo. At most 1,024 octets; may be empty.
// kUsage if there is no terminal to ask on. The end of input is an empty answer.
[[nodiscard]] Result<std::string> PromptText(std::string_view prompt);

// ReadSecretFile reads a password from the first line of a file ("-": standard input); a trailing
// line end is not part of it. At most 1,024 octets. kUsage if the line is empty.
[[nodiscard]] Result<SecretBytes> ReadSecretFile(const std::string& path,
                                                 EmptySecret empty = EmptySecret::kRefused);
// NamesFile tells whether a file has this name. The name may be a password in the wrong place: no
// copy of it stays behind.
[[nodiscard]] bool NamesFile(const SecretBytes& name);
// ReadSecretFd reads it from an open file descriptor, like a shell's 3<FILE, and no octet behind
// the line.
[[nodiscard]] Result<SecretBytes> ReadSecretFd(int fd, EmptySecret empty = EmptySecret::kRefused);

}  // namespace countersign
