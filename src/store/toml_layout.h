#pragma once

// Private to store/config_edit.cc.

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/toml_reader.h"

namespace countersign::store {

// TextPart is a part of a text, by octets.
struct TextPart {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// TomlEntry is where a key and its value stand.
struct TomlEntry {
  toml::source_position key;
  toml::source_region value;
  std::vector<toml::source_region> elements = {};  // of an array
};

// TomlLayout is a TOML file in which tables have no tables in them, with where everything stands.
// It borrows the text.
class TomlLayout {
 public:
  using Entries = std::map<std::string, TomlEntry, std::less<>>;

  // Read: nothing if the text is no such file.
  [[nodiscard]] static std::optional<TomlLayout> Read(std::string_view text);

  [[nodiscard]] std::string_view text() const { return text_; }
  // Keys outside of tables, and "table.key"; a table in braces is there as a whole, too.
  [[nodiscard]] const Entries& entries() const { return places_.entries; }
  [[nodiscard]] const TomlEntry* Find(std::string_view name) const;
  // FindHeader finds "[name]".
  [[nodiscard]] std::optional<TextPart> FindHeader(std::string_view name) const;

  [[nodiscard]] std::string_view ValueOf(const TomlEntry& entry) const;
  [[nodiscard]] TextPart WholeOf(const TomlEntry& entry) const;  // from the key on
  [[nodiscard]] TextPart PartOf(const toml::source_region& region) const;
  // LineEnd is behind the end of the line in which `offset` is.
  [[nodiscard]] std::size_t LineEnd(std::size_t offset) const;

 private:
  struct Places {
    Entries entries;
    std::map<std::string, toml::source_region, std::less<>> headers;
  };
  TomlLayout(std::string_view text, Places places) : text_(text), places_(std::move(places)) {}
  static void Note(Places& places, const std::string& name, const toml::key& key,
                   const toml::node& value);
  static Result<Places> ReadPlaces(const toml::table& table);
  [[nodiscard]] std::size_t OffsetOf(const toml::source_position& at) const;

  std::string_view text_;
  Places places_;
};

}  // namespace countersign::store
