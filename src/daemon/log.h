#pragma once

#include <memory>

#include "base/log.h"

namespace countersign::daemon {

// LogForm: lines for people on standard error (with the priority prefix that the journal reads when
// systemd started us), or one JSON object a line.
enum class LogForm { kText, kJson };

// MakeLog makes the log of a daemon, over spdlog. One thread.
[[nodiscard]] std::unique_ptr<Log> MakeLog(LogForm form);

}  // namespace countersign::daemon
