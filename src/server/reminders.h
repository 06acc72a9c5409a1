#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/backup_check.h"
#include "server/identity_book.h"
#include "server/world.h"

// What an administrator should know before it hurts: certificates that end, a reserve that is
// missing, a backup that nobody has tried. The same sentences are warnings of `status` and, at
// their times, events.
namespace countersign::server {

struct Reminder {
  std::string kind;  // the event's: "certificate-expiring", "certificate-expired", "no-reserve", …
  std::string text;  // one sentence
  std::string next;  // the command to run
  // Told again when this changes (a nearer day), and when `every` has passed; 0: not.
  std::string stage;
  Seconds every = Seconds(0);
};

// RemindersOf the certificates: 90, 60, 30, 7 and 1 days before the active one ends, daily after it
// has ended, and daily while there is no reserve. Pure.
[[nodiscard]] std::vector<Reminder> RemindersOf(const IdentityBook& book,
                                                const store::ServerConfig& config, Instant now);
// RemindersOf the automatic backup: never verified, older than the newest certificate, password not
// tried for 90 days, missing, not the one written last. Weekly; daily while it is missing. Pure.
[[nodiscard]] std::vector<Reminder> RemindersOf(const BackupAge& age);

// RewoundReminder: agents proved to hold a newer certificate than this server knows, and it has
// issued none above it since; nothing if that is not so. Daily.
[[nodiscard]] Result<std::optional<Reminder>> RewoundReminder(World& world,
                                                              const IdentityBook& book);
// HowToCatchUp: what to run then. `later_owner`: as kMetaLaterOwner has it.
[[nodiscard]] std::string HowToCatchUp(std::string_view later_owner);

// TellDue writes an event for each reminder whose time has come, and remembers it in the registry.
[[nodiscard]] Status TellDue(World& world, const std::vector<Reminder>& reminders, Instant now);

}  // namespace countersign::server
