#include "store/config_edit.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "store/toml_layout.h"

namespace countersign::store {
namespace {

// What comments there are between the elements of an array stay in it.
std::string EditedArray(const TomlLayout& file, const TomlEntry& entry, std::string_view value) {
  if (file.ValueOf(entry).find('#') == std::string_view::npos) return std::string(value);
  const TextPart whole = file.PartOf(entry.value);
  std::string rest;
  std::size_t at = whole.begin + 1;
  const auto keep = [&](std::size_t end) {
    bool in_comment = false;
    for (; at < end; ++at) {
      const char c = file.text()[at];
      in_comment = c == '#' || (in_comment && c != '\n');
      if (c != ',' || in_comment) rest += c;
    }
  };
  for (const auto& element : entry.elements) {
    const TextPart part = file.PartOf(element);
    keep(part.begin);
    at = part.end;
  }
  keep(whole.end - 1);
  return std::string(value.substr(0, value.size() - 1)) + rest + "]";
}

class Editor {
 public:
  Editor(const TomlLayout& file, std::string_view line_end) : file_(file), line_end_(line_end) {}

  void Replace(const TomlEntry& entry, std::string_view value) {
    Change(file_.PartOf(entry.value),
           value.starts_with('[') ? EditedArray(file_, entry, value) : std::string(value));
  }
  void Add(std::string_view key, std::string_view value) {
    missing_ += std::string(key) + " = " + std::string(value) + std::string(line_end_);
  }
  void Append(std::string_view block) { InsertLines(file_.text().size(), Translated(block)); }

  // Remove takes a key with its value, or a header, away; a comment behind it stays.
  void Remove(TextPart part) {
    const std::string_view text = file_.text();
    const auto is_blank = [&](std::size_t at) { return text[at] == ' ' || text[at] == '\t'; };
    while (part.begin > 0 && is_blank(part.begin - 1)) --part.begin;
    while (part.end < text.size() && is_blank(part.end)) ++part.end;
    const std::string_view rest = text.substr(part.end);
    if (rest.starts_with("\n") || rest.starts_with("\r\n")) part.end = file_.LineEnd(part.end);
    Change(part, "");
  }
  void RemoveEnrol(std::string_view block) {
    const std::string ours = Translated(block);
    if (const std::size_t at = file_.text().find(ours); at != std::string_view::npos) {
      return Change({at, at + ours.size()}, "");
    }
    if (const auto header = file_.FindHeader("enrol")) Remove(*header);
    if (const auto* const in_line = file_.Find("enrol")) return Remove(file_.WholeOf(*in_line));
    for (const char* const name : {"enrol.token", "enrol.secret"}) {
      if (const auto* const entry = file_.Find(name)) Remove(file_.WholeOf(*entry));
    }
  }

  // Finish applies everything, the last first: what stands before a change does not move. Of two at
  // one place that which is applied later stands before the other.
  std::string Finish() {
    if (!missing_.empty()) InsertLines(BehindTheLast(), missing_);
    std::ranges::stable_sort(changes_, [](const auto& one, const auto& other) {
      return std::pair(one.part.begin, one.part.end) > std::pair(other.part.begin, other.part.end);
    });
    std::string text(file_.text());
    for (const auto& [part, with] : changes_) text.replace(part.begin, part.end - part.begin, with);
    return text;
  }

 private:
  struct Edit {
    TextPart part;
    std::string with;
  };
  void Change(TextPart part, std::string with) { changes_.push_back({part, std::move(with)}); }
  void InsertLines(std::size_t at, const std::string& lines) {
    const bool begins_line = at == 0 || file_.text()[at - 1] == '\n';
    Change({at, at}, (begins_line ? "" : std::string(line_end_)) + lines);
  }
  // Behind the last key outside of tables, with what stands in its line.
  [[nodiscard]] std::size_t BehindTheLast() const {
    std::size_t last = 0;
    for (const auto& [name, entry] : file_.entries()) {
      const bool is_in_table = name.starts_with("enrol.");
      if (!is_in_table) last = std::max(last, file_.LineEnd(file_.PartOf(entry.value).end));
    }
    return last;
  }
  [[nodiscard]] std::string Translated(std::string_view block) const {
    std::string lines;
    for (const char c : block) {
      if (c == '\n') {
        lines += line_end_;
      } else {
        lines += c;
      }
    }
    return lines;
  }

  const TomlLayout& file_;
  std::string_view line_end_;
  std::string missing_;
  std::vector<Edit> changes_;
};

std::string_view LineEndOf(std::string_view text) {
  const std::size_t at = text.find('\n');
  const bool is_crlf = at != std::string_view::npos && at > 0 && text[at - 1] == '\r';
  return is_crlf ? "\r\n" : "\n";
}

// The lines of [enrol], as this program writes them; empty without it.
std::string EnrolBlock(const AgentConfig& config) {
  AgentConfig without = config;
  without.enrol.reset();
  return FormatAgentConfig(config).substr(FormatAgentConfig(without).size());
}

}  // namespace

std::optional<std::string> EditAgentConfig(std::string_view text, const AgentConfig& wanted) {
  const auto present = ParseAgentConfig(text);
  if (!present) return std::nullopt;
  if (*present == wanted) return std::string(text);
  // Values in the form in which this program writes them.
  const std::string before_text = FormatAgentConfig(*present);
  const std::string after_text = FormatAgentConfig(wanted);
  const auto file = TomlLayout::Read(text);
  const auto before = TomlLayout::Read(before_text);
  const auto after = TomlLayout::Read(after_text);
  if (!file || !before || !after) return std::nullopt;
  Editor editor(*file, LineEndOf(text));
  for (const auto& [name, entry] : after->entries()) {
    const auto* const earlier = before->Find(name);
    const auto value = after->ValueOf(entry);
    if (earlier == nullptr || before->ValueOf(*earlier) == value) continue;
    if (const auto* const there = file->Find(name)) {
      editor.Replace(*there, value);
    } else {
      editor.Add(name, value);
    }
  }
  if (present->enrol && !wanted.enrol) editor.RemoveEnrol(EnrolBlock(*present));
  if (!present->enrol && wanted.enrol) editor.Append(EnrolBlock(wanted));
  std::string edited = editor.Finish();
  const auto read = ParseAgentConfig(edited);
  if (!read || *read != wanted) return std::nullopt;
  return edited;
}

std::string RewriteAgentConfig(std::string_view text, const AgentConfig& wanted) {
  auto edited = EditAgentConfig(text, wanted);
  return edited ? *std::move(edited) : FormatAgentConfig(wanted);
}

bool IsEdited(std::string_view before, std::string_view after) {
  if (before == after) return true;
  const auto wanted = ParseAgentConfig(after);
  return wanted && EditAgentConfig(before, *wanted) == after;
}

}  // namespace countersign::store
