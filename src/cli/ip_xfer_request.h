#pragma once

#include <boost/json/object.hpp>
#include <filesystem>
#include <optional>
#include <string>

#include "base/time.h"
#include "cli/switches.h"
#include "crypto/certificate.h"

namespace countersign::cli {

// The switches of IpXfer, as the reference system documents them and ours beside them.
[[nodiscard]] const std::vector<SwitchSpec>& MoverSwitches();

// The help, with the documented examples.
[[nodiscard]] std::string_view MoverHelp();

// ExplainForms is an error about the switches with the present form and the older spelling as what
// to run next.
[[nodiscard]] Error ExplainForms(Error error);

// MoverCall is what a command line asks for.
struct MoverCall {
  bool moves = false;                              // the full form
  boost::json::object request;                     // for the agent: "renew" or "move"
  std::optional<crypto::Certificate> certificate;  // after -e
  bool waits = false;                              // -wait
  Seconds timeout{60};                             // -timeout
};

// ReadMoverCall checks the values and reads the file after -e, which is looked for in the caller's
// folder and then beside the program. kUsage: the values make no sense together or alone, and no
// message repeats one that may be a password; kNotFound, kMalformed: the file.
[[nodiscard]] Result<MoverCall> ReadMoverCall(const Switches& switches, const char* program);

}  // namespace countersign::cli
