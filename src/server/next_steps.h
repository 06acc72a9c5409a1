#pragma once

#include <string_view>

// Commands that several refusals, warnings and reminders name as the next step.
namespace countersign::server {

inline constexpr std::string_view kReplaceCommand = "CertificateManager -c PASSWORD";
inline constexpr std::string_view kVerifyCommand = "countersign backup verify";
// What makes the machine of a forgotten agent an agent again.
inline constexpr std::string_view kInstallAnew =
    "countersign-agentd install (anew, in an empty folder) makes a new agent";

}  // namespace countersign::server
