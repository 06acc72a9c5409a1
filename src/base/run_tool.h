#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/error.h"

namespace countersign {

// ToolEnd is how a program of the system ended.
struct ToolEnd {
  int exit_code = -1;  // -1: killed by a signal
  std::string output;  // standard output and error, its last 4 KiB
};

// RunTool runs one of the system's own programs (systemctl, useradd) and waits for its end. It is
// looked for in /usr/sbin, /usr/bin, /sbin and /bin only, and gets an environment of its own.
// kNotFound: there is none; kTimedOut: it was killed after `most`.
[[nodiscard]] Result<ToolEnd> RunTool(const std::string& name,
                                      const std::vector<std::string>& arguments,
                                      std::chrono::milliseconds most = std::chrono::seconds(90));

// MustRunTool also fails (kIo, with its output) if it ends otherwise than with 0.
[[nodiscard]] Status MustRunTool(const std::string& name,
                                 const std::vector<std::string>& arguments);

}  // namespace countersign
