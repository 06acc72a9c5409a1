#pragma once

namespace countersign::cli {

// RunCountersign is the administrator's command line `countersign`. Returns the exit code.
[[nodiscard]] int RunCountersign(int argc, char** argv);

}  // namespace countersign::cli
