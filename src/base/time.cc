#include "base/time.h"

#include <time.h>

#include <array>
#include <cstdio>

#include "base/error.h"

namespace countersign {
namespace {

timespec ReadClock(clockid_t clock) {
  timespec now{};
  Check(clock_gettime(clock, &now) == 0, "clock_gettime failed");
  return now;
}

struct Date {
  std::int64_t year;
  std::int64_t month;
  std::int64_t day;
};

// DateOf turns days since 1970-01-01 into a date of the proleptic Gregorian calendar, by eras of
// 400 years that begin on 1 March. Not std::chrono::year_month_day, whose years end at 32767: a
// `time` of another party goes to 2^53-1.
Date DateOf(std::int64_t days) {
  constexpr std::int64_t kDaysPerEra = 146'097;
  const std::int64_t shifted = days + 719'468;
  const std::int64_t era = (shifted >= 0 ? shifted : shifted - (kDaysPerEra - 1)) / kDaysPerEra;
  const std::int64_t day_of_era = shifted - era * kDaysPerEra;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted_month = (5 * day_of_year + 2) / 153;
  const std::int64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  return {.year = era * 400 + year_of_era + (month <= 2 ? 1 : 0),
          .month = month,
          .day = day_of_year - (153 * shifted_month + 2) / 5 + 1};
}

// ReadNumber reads `len` digits at `from`; nothing else may stand there.
std::optional<unsigned> ReadNumber(std::string_view text, std::size_t from, std::size_t len) {
  unsigned value = 0;
  for (const char c : text.substr(from, len)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value;
}

}  // namespace

Times ReadClocks() {
  const timespec wall = ReadClock(CLOCK_REALTIME);
  const timespec boot = ReadClock(CLOCK_BOOTTIME);
  return {.wall = FromUnix(wall.tv_sec),
          .boot = Uptime(boot.tv_sec * 1000 + boot.tv_nsec / 1'000'000)};
}

std::string FormatUtc(Instant instant) {
  const auto days = std::chrono::floor<std::chrono::days>(instant);
  const Date date = DateOf(days.time_since_epoch().count());
  const std::int64_t seconds = (instant - days).count();
  std::array<char, 160> out{};  // Six numbers of any size fit.
  std::snprintf(out.data(), out.size(), "%04lld-%02lld-%02lldT%02lld:%02lld:%02lldZ",
                static_cast<long long>(date.year), static_cast<long long>(date.month),
                static_cast<long long>(date.day), static_cast<long long>(seconds / 3600),
                static_cast<long long>(seconds / 60 % 60), static_cast<long long>(seconds % 60));
  return out.data();
}

std::optional<Instant> ParseUtc(std::string_view text) {
  if (text.size() != 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':' || text[19] != 'Z') {
    return std::nullopt;
  }
  const auto year = ReadNumber(text, 0, 4);
  const auto month = ReadNumber(text, 5, 2);
  const auto day = ReadNumber(text, 8, 2);
  const auto hour = ReadNumber(text, 11, 2);
  const auto minute = ReadNumber(text, 14, 2);
  const auto second = ReadNumber(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(*month), std::chrono::day(*day)};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  return std::chrono::sys_days(date) + Seconds(*hour * 3600 + *minute * 60 + *second);
}

std::string FormatDuration(Seconds duration) {
  struct Unit {
    std::int64_t seconds;
    const char* name;
  };
  constexpr std::array<Unit, 4> kUnits = {{{86'400, " d"}, {3'600, " h"}, {60, " min"}, {1, " s"}}};
  const std::int64_t count = duration.count();
  if (count < 0) {
    const std::int64_t magnitude = count == INT64_MIN ? INT64_MAX : -count;
    return std::string("-").append(FormatDuration(Seconds(magnitude)));
  }
  for (std::size_t i = 0; i + 1 < kUnits.size(); ++i) {
    if (count < kUnits[i].seconds) continue;
    std::string text = std::to_string(count / kUnits[i].seconds) + kUnits[i].name;
    const std::int64_t rest = count % kUnits[i].seconds / kUnits[i + 1].seconds;
    if (rest > 0) text.append(" ").append(std::to_string(rest)).append(kUnits[i + 1].name);
    return text;
  }
  return std::to_string(count) + " s";
}

}  // namespace countersign
