#include "server/reminders.h"

#include <array>
#include <charconv>

#include "base/encoding.h"
#include "server/events.h"
#include "server/issuing_internal.h"
#include "server/next_steps.h"

namespace countersign::server {
namespace {

constexpr Seconds kDay = std::chrono::hours(24);
constexpr Seconds kWeek = 7 * kDay;
constexpr std::array kDaysAhead = {1, 7, 30, 60, 90};

// The nearest of the days of warning that is not over yet; nothing while it is further off than
// all.
std::optional<int> StageOf(Instant end, Instant now) {
  for (const int days : kDaysAhead) {
    if (end - now <= days * kDay) return days;
  }
  return std::nullopt;
}

std::string WhatFollows(const IdentityBook& book) {
  if (book.Pending() != nullptr) return "and the rollout under way must end before that";
  const auto* const reserve = book.Reserve();
  if (reserve == nullptr) return "and there is no reserve: from then on agents refuse orders";
  return "and the reserve " + reserve->certificate.serial() + " takes over by itself";
}

// What makes the next certificate: a follower makes none.
std::string HowToReplace(const store::ServerConfig& config) {
  if (config.follower_of.empty()) return std::string(kReplaceCommand);
  return std::string(kReplaceCommand) + " on " + config.follower_of +
         ", then here CertificateManager -ine PASSWORD OfficeScanAuth.dat, with its backup";
}

void AddExpiry(const IdentityBook& book, const store::ServerConfig& config, Instant now,
               std::vector<Reminder>& reminders) {
  const auto* const active = book.Active();
  if (active == nullptr) return;
  const crypto::Certificate& certificate = active->certificate;
  const std::string name = "The server's certificate " + certificate.serial();
  const std::string thumbprint = HexLower(certificate.thumbprint());
  if (certificate.not_after() < now) {
    reminders.push_back({.kind = "certificate-expired",
                         .text = name + " expired " + FormatUtc(certificate.not_after()) +
                                 ": agents take new trust and refuse orders.",
                         .next = HowToReplace(config),
                         .stage = thumbprint,
                         .every = kDay});
    return;
  }
  const auto stage = StageOf(certificate.not_after(), now);
  if (!stage) return;
  reminders.push_back({.kind = "certificate-expiring",
                       .text = name + " expires " + FormatUtc(certificate.not_after()) +
                               ", in at most " + std::to_string(*stage) +
                               (*stage == 1 ? " day, " : " days, ") + WhatFollows(book) + ".",
                       .next = HowToReplace(config),
                       .stage = thumbprint + ":" + std::to_string(*stage),
                       .every = Seconds(0)});
}

Reminder OfBackup(std::string kind, const BackupAge::Warning& warning, Seconds every) {
  return {.kind = std::move(kind),
          .text = warning.text,
          .next = warning.next,
          .stage = {},
          .every = every};
}

struct Told {
  Instant at;
  std::string stage;
};

// "<Unix seconds> <stage>"
std::optional<Told> ParseTold(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  std::int64_t seconds = 0;
  const char* const end = text->data() + text->size();
  const auto [at, error] = std::from_chars(text->data(), end, seconds);
  if (error != std::errc() || at == end || *at != ' ') return std::nullopt;
  return Told{.at = FromUnix(seconds), .stage = std::string(at + 1, end)};
}

bool IsDue(const Reminder& reminder, const std::optional<Told>& told, Instant now) {
  if (!told || told->stage != reminder.stage) return true;
  // A clock that was set back must not silence what is daily.
  return reminder.every != Seconds(0) && (now - told->at >= reminder.every || now < told->at);
}

}  // namespace

std::vector<Reminder> RemindersOf(const IdentityBook& book, const store::ServerConfig& config,
                                  Instant now) {
  std::vector<Reminder> reminders;
  AddExpiry(book, config, now, reminders);
  const auto* const active = book.Active();
  if (active != nullptr && book.Pending() != nullptr &&
      StageOf(active->certificate.not_after(), now)) {
    reminders.push_back({.kind = "rollout-must-end",
                         .text = "The rollout of certificate " +
                                 book.Pending()->certificate.serial() +
                                 " must end before the active one does, " +
                                 FormatUtc(active->certificate.not_after()) +
                                 ": agents that hold that one refuse orders afterwards.",
                         .next = "countersign rollout status, then finish, abort or rollback",
                         .stage = HexLower(active->row.thumbprint),
                         .every = kDay});
  }
  const bool wants_reserve = active != nullptr && !active->identity.self_signed &&
                             config.follower_of.empty() && book.Reserve() == nullptr &&
                             active->certificate.not_after() >= now;
  if (wants_reserve) {
    reminders.push_back(
        {.kind = "no-reserve",
         .text = "There is no reserve certificate: nothing takes over when the active "
                 "one ends " +
                 FormatUtc(active->certificate.not_after()) + ". Giving the password makes one.",
         .next = "countersign backup password, or " + std::string(kReplaceCommand),
         .stage = HexLower(active->row.thumbprint),
         .every = kDay});
  }
  return reminders;
}

std::vector<Reminder> RemindersOf(const BackupAge& age) {
  std::vector<Reminder> reminders;
  for (const auto& warning : age.warnings) {
    reminders.push_back(OfBackup(warning.kind, warning, age.present ? kWeek : kDay));
  }
  return reminders;
}

std::string HowToCatchUp(std::string_view later_owner) {
  if (later_owner.empty()) return std::string(kReplaceCommand);
  return "CertificateManager -ine PASSWORD OfficeScanAuth.dat, with the automatic backup of the "
         "owner " +
         std::string(later_owner) + ", which was made after this server's backup";
}

Result<std::optional<Reminder>> RewoundReminder(World& world, const IdentityBook& book) {
  const auto proved = ReadMetaNumber(world, kMetaProvedGeneration);
  if (!proved) return std::unexpected(proved.error());
  const auto* const active = book.Active();
  if (active == nullptr || proved->value_or(0) <= active->identity.generation) return std::nullopt;
  const auto owner = world.registry.GetMeta(kMetaLaterOwner);
  if (!owner) return std::unexpected(owner.error());
  const std::string generation = std::to_string(**proved);
  return Reminder{.kind = "server-behind",
                  .text =
                      "This server was restored from an older backup: agents proved to hold "
                      "generation " +
                      generation + ", newer than its certificate. They obey it no more.",
                  .next = HowToCatchUp(owner->value_or("")),
                  .stage = generation,
                  .every = kDay};
}

Status TellDue(World& world, const std::vector<Reminder>& reminders, Instant now) {
  for (const Reminder& reminder : reminders) {
    const std::string name = "told:" + reminder.kind;
    const auto told = world.registry.GetMeta(name);
    if (!told) return std::unexpected(told.error());
    if (!IsDue(reminder, ParseTold(*told), now)) continue;
    const auto written = world.registry.Transact([&]() -> Status {
      COUNTERSIGN_RETURN_IF_ERROR(
          world.registry.PutMeta(name, std::to_string(ToUnix(now)) + " " + reminder.stage));
      return RecordEvent(world, {.id = 0,
                                 .at = now,
                                 .kind = reminder.kind,
                                 .agent = {},
                                 .text = reminder.text + " Run: " + reminder.next});
    });
    if (!written) return written;
    world.log.Write(LogLevel::kWarning, reminder.text + " Run: " + reminder.next);
  }
  return {};
}

}  // namespace countersign::server
