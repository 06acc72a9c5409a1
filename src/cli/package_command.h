#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/command_line.h"

// countersign agents package, countersign agents merge, countersign token …
namespace countersign::cli {

struct PackageCommand {
  std::filesystem::path output;  // a folder, or a file that ends in .tar.gz, .tgz or .deb
  std::string domain;
  std::string host;        // empty: as configured
  std::uint32_t uses = 0;  // how many agents its token admits; 0: any number
  std::uint32_t days = 30;
  std::string until;  // a date or time; empty: `days` from now
  bool without_token = false;
  bool without_programs = false;
  std::filesystem::path programs;  // empty: those of this installation
};
// MakePackage asks the server for certificate, settings and token, and writes the package. A file
// is replaced, a folder made: kAlreadyExists if there is something in it. No token is left good
// where the package could not be written.
[[nodiscard]] Exit MakePackage(Session& session, const PackageCommand& command, Form form);

// ParseUntil reads "2027-01-31" (until the end of that day, UTC) or "2027-01-31T12:00:00Z".
[[nodiscard]] Result<Instant> ParseUntil(std::string_view text);

[[nodiscard]] Exit ListTokens(Session& session, Form form);
[[nodiscard]] Exit RevokeTokens(Session& session, const std::vector<std::string>& tokens,
                                Form form);

// AddPackageCommands declares `package` and `merge` under `agents`, and `token` beside it.
void AddPackageCommands(CommandLine& line, CLI::App* agents);

}  // namespace countersign::cli
