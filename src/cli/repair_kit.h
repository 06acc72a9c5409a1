#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/output.h"
#include "cli/repair_hosts.h"
#include "cli/session.h"
#include "crypto/certificate.h"
#include "keys/zip.h"

// countersign agents repair-kit: a ZIP with everything that repairs agents in bulk
// (docs/repair-kit.md).
namespace countersign::cli {

// Limits on a kit.
inline constexpr std::size_t kMaxKitAgents = 1'000'000;
inline constexpr std::size_t kMaxMoverLen = 256UL * 1024 * 1024;

struct RepairKitCommand {
  std::filesystem::path file;
  bool mismatched = false;             // whom CertificateManager -l lists and the mover mends
  std::vector<std::string> standings;  // or those of these standings
  std::vector<std::string> agents;     // of these only those that are named here, if any are
  std::string domain;                  // and only of this domain and those beneath it; or empty
  RepairBy by = RepairBy::kAddress;
  std::filesystem::path mover_folder;  // where the mover is; empty: MoverFolders
};

// Movers are the programs found, as entries of the kit, and the names of those that were not.
struct Movers {
  std::vector<keys::ZipEntry> programs;
  std::vector<std::string> missing;
};
// FindMovers takes each of the two names from the first folder that has it. kNotFound if there is
// neither: a kit without a mover repairs nothing.
[[nodiscard]] Result<Movers> FindMovers(const std::vector<std::filesystem::path>& folders);

// RepairKitEntries makes the files of the kit from its parts: sorted, and always the same for the
// same parts. There is no secret in it.
[[nodiscard]] std::vector<keys::ZipEntry> RepairKitEntries(const RepairLists& lists, Movers movers,
                                                           const crypto::Certificate& certificate);

// MakeRepairKit writes the kit; an existing file is replaced. kNotFound also for an agent that is
// named and not registered; kExhausted over a limit.
[[nodiscard]] Exit MakeRepairKit(Session& session, const RepairKitCommand& command, Form form);

}  // namespace countersign::cli
