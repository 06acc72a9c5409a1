#include "store/distrust.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/files.h"

namespace countersign::store {
namespace {

constexpr std::size_t kMaxLen = 1024UL * 1024;

std::string OnlyDigits(std::string_view line) {
  line = line.substr(0, line.find('#'));
  std::string digits;
  std::ranges::copy_if(line, std::back_inserter(digits),
                       [](char c) { return c != ':' && c != ' ' && c != '\t' && c != '\r'; });
  return digits;
}

}  // namespace

Result<trust::DistrustList> LoadDistrust(const std::filesystem::path& path) {
  const auto file = ReadFile(path, kMaxLen);
  if (!file && file.error().code == Code::kNotFound) return trust::DistrustList();
  if (!file) return std::unexpected(file.error());
  std::set<Digest> entries;
  std::string_view rest = AsText(*file);
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string digits = OnlyDigits(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (digits.empty()) continue;
    const auto octets = ParseHex(digits);
    Digest digest;
    if (!octets || octets->size() != digest.size()) {
      return Fail(Code::kMalformed, path.string() + " line " + std::to_string(number) +
                                        ": 64 hex digits (a SHA-256) are expected");
    }
    std::ranges::copy(*octets, digest.begin());
    entries.insert(digest);
  }
  return trust::DistrustList(std::move(entries));
}

}  // namespace countersign::store
