#include "store/toml_layout.h"

#include <algorithm>
#include <utility>

namespace countersign::store {

std::optional<TomlLayout> TomlLayout::Read(std::string_view text) {
  auto places = ReadToml<Places>(text, ReadPlaces);
  if (!places) return std::nullopt;
  return TomlLayout(text, *std::move(places));
}

void TomlLayout::Note(Places& places, const std::string& name, const toml::key& key,
                      const toml::node& value) {
  TomlEntry entry{.key = key.source().begin, .value = value.source()};
  if (const auto* const array = value.as_array()) {
    for (const auto& element : *array) entry.elements.push_back(element.source());
  }
  places.entries.emplace(name, std::move(entry));
}

Result<TomlLayout::Places> TomlLayout::ReadPlaces(const toml::table& table) {
  Places places;
  for (const auto& [key, value] : table) {
    const std::string name(key.str());
    const auto* const inner = value.as_table();
    if (inner == nullptr || inner->is_inline()) Note(places, name, key, value);
    if (inner == nullptr) continue;
    if (!inner->is_inline()) places.headers.emplace(name, inner->source());
    for (const auto& [inner_key, one] : *inner) {
      Note(places, name + "." + std::string(inner_key.str()), inner_key, one);
    }
  }
  return places;
}

const TomlEntry* TomlLayout::Find(std::string_view name) const {
  const auto at = places_.entries.find(name);
  return at == places_.entries.end() ? nullptr : &at->second;
}

std::optional<TextPart> TomlLayout::FindHeader(std::string_view name) const {
  const auto at = places_.headers.find(name);
  if (at == places_.headers.end()) return std::nullopt;
  return PartOf(at->second);
}

std::string_view TomlLayout::ValueOf(const TomlEntry& entry) const {
  const TextPart part = PartOf(entry.value);
  return text_.substr(part.begin, part.end - part.begin);
}

TextPart TomlLayout::WholeOf(const TomlEntry& entry) const {
  return {OffsetOf(entry.key), PartOf(entry.value).end};
}

TextPart TomlLayout::PartOf(const toml::source_region& region) const {
  const std::size_t begin = OffsetOf(region.begin);
  return {begin, std::max(begin, OffsetOf(region.end))};
}

std::size_t TomlLayout::LineEnd(std::size_t offset) const {
  const std::size_t end = text_.find('\n', offset);
  return end == std::string_view::npos ? text_.size() : end + 1;
}

// The parser counts lines and columns from 1, columns as code points, from behind a byte order
// mark.
std::size_t TomlLayout::OffsetOf(const toml::source_position& at) const {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  std::size_t offset = text_.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  for (auto line = at.line; line > 1 && offset < text_.size(); --line) offset = LineEnd(offset);
  for (auto column = at.column; column > 1 && offset < text_.size(); --column) {
    do ++offset;
    while (offset < text_.size() && (static_cast<unsigned char>(text_[offset]) & 0xc0) == 0x80);
  }
  return offset;
}

}  // namespace countersign::store
