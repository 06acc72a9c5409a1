#include "cli/amounts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace countersign::cli {
namespace {

constexpr std::uint32_t kBasisPointsInPercent = 100;
constexpr std::int64_t kMaxDuration = std::int64_t{10'000} * 86'400;

std::unexpected<Error> WrongShare(std::string_view text, std::string_view why) {
  return Fail(Code::kUsage, "\"" + std::string(text) + "\" " + std::string(why),
              "a share is like 5% or 0.5%, from 0.01% to 100%");
}

// ReadWhole reads decimal digits and nothing else.
std::optional<std::uint32_t> ReadWhole(std::string_view digits) {
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  std::uint32_t number = 0;
  const auto [end, failed] = std::from_chars(digits.begin(), digits.end(), number);
  if (failed != std::errc()) return std::nullopt;
  return number;
}

}  // namespace

Result<std::uint32_t> ParseShare(std::string_view text) {
  if (!text.ends_with('%')) return WrongShare(text, "is no share: the % is missing");
  const std::string_view number = text.substr(0, text.size() - 1);
  const auto point = number.find('.');
  const auto whole = ReadWhole(number.substr(0, point));
  if (!whole) return WrongShare(text, "is no share");
  std::uint32_t hundredths = 0;
  if (point != std::string_view::npos) {
    std::string digits(number.substr(point + 1));
    if (digits.size() > 2) return WrongShare(text, "has more than two digits behind the point");
    if (digits.size() == 1) digits += '0';
    const auto read = ReadWhole(digits);
    if (!read) return WrongShare(text, "is no share");
    hundredths = *read;
  }
  if (*whole > 100 || (*whole == 100 && hundredths > 0)) {
    return WrongShare(text, "is more than everybody");
  }
  const std::uint32_t points = *whole * kBasisPointsInPercent + hundredths;
  if (points == 0) return WrongShare(text, "is nobody");
  return points;
}

std::string FormatShare(std::uint64_t basis_points) {
  std::string text = std::to_string(basis_points / kBasisPointsInPercent);
  const std::uint64_t rest = basis_points % kBasisPointsInPercent;
  if (rest > 0) text += "." + std::to_string(rest / 10);
  if (rest % 10 > 0) text += std::to_string(rest % 10);
  return text + "%";
}

Result<Seconds> ParseDuration(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, std::int64_t>, 6> kUnits = {
      {{"", 1}, {"s", 1}, {"m", 60}, {"min", 60}, {"h", 3'600}, {"d", 86'400}}};
  const std::size_t len = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = ReadWhole(text.substr(0, len));
  for (const auto& [unit, seconds] : kUnits) {
    if (!number || text.substr(len) != unit) continue;
    if (*number > kMaxDuration / seconds) break;
    return Seconds(*number * seconds);
  }
  return Fail(Code::kUsage, "\"" + std::string(text) + "\" is no duration",
              "a duration is like 90s, 30min, 1h or 2d, at most 10000d");
}

}  // namespace countersign::cli
