#pragma once

#include <string_view>

// Commands that several refusals, warnings and reminders name as the next step.
namespace countersign::server {

inline constexpr std::string_view kReplaceCommand = "CertificateManager -c PASSWORD";
inline constexpr std::string_view kVerifyCommand = "countersign backup verify";

}  // namespace countersign::server
