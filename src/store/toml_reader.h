#pragma once

// Private to the files of store/ that read TOML.

#include <stdexcept>

// toml++ asserts in many places what only its own look-ahead promises, and assumes it where NDEBUG
// is set: on what is no TOML that ends the process, or worse. Here it is a fault of the file, in
// every build.
namespace countersign::store {
[[noreturn]] inline void TomlAssertionFailed() { throw std::logic_error("not TOML"); }
}  // namespace countersign::store
#undef NDEBUG
#define TOML_ASSERT(expr) \
  ((expr) ? static_cast<void>(0) : countersign::store::TomlAssertionFailed())
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_UNRELEASED_FEATURES 0
#define TOML_ENABLE_WINDOWS_COMPAT 0
#include <toml++/toml.h>

#include <algorithm>
#include <limits>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "base/error.h"
#include "store/toml_scan.h"

namespace countersign::store {

using TextRule = bool (*)(std::string_view);

inline constexpr std::size_t kMaxTomlLen = 64 * 1024;
inline constexpr std::size_t kMaxTextLen = 255;  // names, addresses, domains

inline bool IsLine(std::string_view text) {
  return text.size() <= kMaxTextLen && IsPrintableUtf8(text);
}
inline bool IsWord(std::string_view text) {
  return IsLine(text) && text.find(' ') == std::string_view::npos;
}
inline bool IsFullWord(std::string_view text) { return !text.empty() && IsWord(text); }

inline std::string Place(const toml::source_position& at) {
  if (!at) return {};
  return "line " + std::to_string(at.line) + ", column " + std::to_string(at.column) + ": ";
}

// TableReader takes a table apart key by key. Of several faults it tells the one that stands first
// in the file; a key that nobody asked for is one.
class TableReader {
 public:
  TableReader(const toml::table& table, std::string prefix)
      : table_(table), prefix_(std::move(prefix)) {}

  std::string Text(std::string_view key, std::string fallback, TextRule rule,
                   std::string_view expected) {
    const toml::node* const node = Take(key);
    if (node == nullptr) return fallback;
    const auto* const text = node->as_string();
    if (text != nullptr && rule(text->get())) return text->get();
    Refuse(key, node->source().begin, expected);
    return fallback;
  }

  template <class T>
  T Integer(std::string_view key, T fallback, T min, T max) {
    const toml::node* const node = Take(key);
    if (node == nullptr) return fallback;
    const auto* const value = node->as_integer();
    if (value != nullptr && std::in_range<T>(value->get())) {
      const T number = static_cast<T>(value->get());
      if (number >= min && number <= max) return number;
    }
    Refuse(key, node->source().begin,
           "an integer from " + std::to_string(min) + " to " + std::to_string(max));
    return fallback;
  }

  bool Bool(std::string_view key, bool fallback) {
    const toml::node* const node = Take(key);
    if (node == nullptr) return fallback;
    const auto* const value = node->as_boolean();
    if (value != nullptr) return value->get();
    Refuse(key, node->source().begin, "true or false");
    return fallback;
  }

  std::vector<std::string> Words(std::string_view key, std::size_t max, std::string_view expected) {
    const toml::node* const node = Take(key);
    if (node == nullptr) return {};
    std::vector<std::string> words;
    const auto* const array = node->as_array();
    bool good = array != nullptr && array->size() <= max;
    for (std::size_t i = 0; good && i < array->size(); ++i) {
      const auto* const text = array->get(i)->as_string();
      good = text != nullptr && IsFullWord(text->get());
      if (good) words.push_back(text->get());
    }
    if (!good) Refuse(key, node->source().begin, expected);
    return words;
  }

  const toml::array* Array(std::string_view key, std::size_t max, std::string_view expected) {
    const toml::node* const node = Take(key);
    if (node == nullptr) return nullptr;
    const auto* const array = node->as_array();
    if (array != nullptr && array->size() <= max) return array;
    Refuse(key, node->source().begin, expected);
    return nullptr;
  }

  const toml::table* Table(std::string_view key) {
    const toml::node* const node = Take(key);
    if (node == nullptr) return nullptr;
    if (node->as_table() == nullptr) Refuse(key, node->source().begin, "a table");
    return node->as_table();
  }

  void Require(std::string_view key, std::string_view expected) {
    if (table_.get(key) == nullptr) {
      Fault(table_.source().begin,
            "\"" + prefix_ + std::string(key) + "\" is missing: expected " + std::string(expected));
    }
  }

  void Refuse(std::string_view key, const toml::source_position& at, std::string_view expected) {
    Fault(at, "\"" + prefix_ + std::string(key) + "\": expected " + std::string(expected));
  }

  // Finish refuses what nobody asked for, and returns the first fault.
  [[nodiscard]] Status Finish() {
    for (const auto& [key, node] : table_) {
      const std::string_view name = key.str();
      if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
      Fault(key.source().begin,
            "unknown key \"" + prefix_ + Shown(name) + "\"; known are " + KnownKeys());
    }
    if (!fault_) return {};
    return Fail(Code::kMalformed, fault_->second);
  }

 private:
  const toml::node* Take(std::string_view key) {
    known_.emplace_back(key);
    return table_.get(key);
  }

  void Fault(const toml::source_position& at, const std::string& what) {
    const auto place = std::pair(at.line, at.column);
    if (fault_ && fault_->first <= place) return;
    fault_.emplace(place, Place(at) + what);
  }

  [[nodiscard]] std::string KnownKeys() const {
    std::string names;
    for (const std::string& name : known_) names += (names.empty() ? "" : ", ") + name;
    return names;
  }

  // A key of any length and any octets is not repeated as it is.
  [[nodiscard]] static std::string Shown(std::string_view name) {
    return IsLine(name) ? std::string(name) : std::string("(not printable)");
  }

  const toml::table& table_;
  std::string prefix_;
  std::vector<std::string> known_;
  std::optional<std::pair<std::pair<std::uint32_t, std::uint32_t>, std::string>> fault_;
};

// ReadToml keeps toml++ and its exceptions in here.
template <class T>
[[nodiscard]] Result<T> ReadToml(std::string_view text, Result<T> (*read)(const toml::table&)) {
  if (text.size() > kMaxTomlLen) {
    return Fail(Code::kMalformed, "it has " + std::to_string(text.size()) + " octets, and " +
                                      std::to_string(kMaxTomlLen) + " are the most");
  }
  if (const auto place = FindForbidden(text)) {
    return Fail(Code::kMalformed,
                "line " + std::to_string(place->line) + ", column " +
                    std::to_string(place->column) +
                    ": a character that may stand only in comments and in strings "
                    "of one line (there are no dates and times in this file)");
  }
  try {
    return read(toml::parse(text));
  } catch (const toml::parse_error& fault) {
    const auto& at = fault.source().begin;
    const std::string_view what = fault.description();
    return Fail(Code::kMalformed,
                Place(at) + (IsPrintableUtf8(what) ? std::string(what) : std::string("not TOML")));
  } catch (const std::bad_alloc&) {
    return Fail(Code::kExhausted, "out of memory");
  } catch (const std::exception& fault) {
    return Fail(Code::kMalformed, fault.what());
  }
}

}  // namespace countersign::store
