#include "cli/output.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/encoding.h"

namespace countersign::cli {
namespace {

// Nothing that an agent or a file says may move the cursor, or look like a line of ours.
std::string Visible(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if ((octet < 0x20 && c != '\n') || octet == 0x7f) {
      std::array<char, 8> escaped{};
      std::snprintf(escaped.data(), escaped.size(), "\\x%02x", octet);
      out += escaped.data();
    } else {
      out += c;
    }
  }
  return out;
}

// JSON is UTF-8 (RFC 8259), and a path need not be: other octets are replaced.
std::string WellFormed(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t len = static_cast<unsigned char>(text.front()) < 0x80 ? 1 : 2;
    while (len > 1 && len <= 4 && !IsPrintableUtf8(text.substr(0, len))) ++len;
    if (len <= 4) {
      out += text.substr(0, len);
      text.remove_prefix(std::min(len, text.size()));
    } else {
      out += "\xef\xbf\xbd";  // U+FFFD
      text.remove_prefix(1);
    }
  }
  return out;
}

void Write(std::FILE* file, std::string_view text) {
  const std::string visible = Visible(text);
  std::fwrite(visible.data(), 1, visible.size(), file);
}

// Columns are as wide as their characters; combining and wide ones are not looked at.
std::size_t Width(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (c & '\xc0') != '\x80'; }));
}

class QuietLog final : public Log {
 public:
  void Write(LogLevel level, std::string_view text) override {
    if (level == LogLevel::kDebug || level == LogLevel::kInfo) return;
    cli::Write(stderr,
               (level == LogLevel::kError ? "error: " : "warning: ") + std::string(text) + "\n");
  }
};

using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

void PrintFields(const boost::json::object& value, std::string_view indent, const Labels& labels) {
  for (const auto& [label, name] : labels) {
    const std::string text = Text(value, name);
    if (!text.empty()) Print(std::string(indent) + std::string(label) + text + "\n");
  }
}

void PrintThumbprints(const boost::json::object& certificate, std::string_view indent) {
  Print(std::string(indent) + "thumbprint:  " + Text(certificate, "sha256") + " (SHA-256)\n");
  Print(std::string(indent) + "             " + Text(certificate, "sha1") +
        " (SHA-1, only for comparison with Windows' viewer)\n");
}

}  // namespace

Exit PrintError(const Error& error, Form form) {
  if (form == Form::kJson) {
    PrintJson({{"ok", false},
               {"code", CodeName(error.code)},
               {"message", error.message},
               {"next", error.next}});
  } else {
    Write(stderr, "error: " + error.message + "\n");
    if (!error.next.empty()) Write(stderr, "  next: " + error.next + "\n");
  }
  return ExitFor(error.code);
}

void PrintJson(const boost::json::object& value) {
  const std::string text = WellFormed(boost::json::serialize(value)) + "\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void Print(std::string_view text) { Write(stdout, text); }
void PrintLine(std::string_view text) { Write(stdout, std::string(text) + "\n"); }
void PrintToError(std::string_view text) { Write(stderr, std::string(text) + "\n"); }

Status PrintRaw(std::string_view octets) {
  if (std::fwrite(octets.data(), 1, octets.size(), stdout) == octets.size() &&
      std::fflush(stdout) == 0) {
    return {};
  }
  return Fail(Code::kIo, std::string("writing to standard output: ") + std::strerror(errno));
}

std::string Text(const boost::json::object& value, std::string_view name) {
  const auto* const member = value.if_contains(name);
  if (member == nullptr || member->is_null()) return {};
  if (member->is_string()) return std::string(member->get_string());
  return boost::json::serialize(*member);
}

void PrintCertificate(const boost::json::object& certificate, std::string_view indent) {
  PrintFields(certificate, indent,
              {{"store:       ", "store"},
               {"name:        ", "name"},
               {"valid from:  ", "not_before"},
               {"valid until: ", "not_after"},
               {"serial:      ", "serial"}});
  PrintThumbprints(certificate, indent);
  PrintFields(certificate, indent, {{"generation:  ", "generation"}, {"key:         ", "key"}});
}

void PrintEveryField(const boost::json::object& certificate, std::string_view indent) {
  PrintFields(certificate, indent,
              {{"store:       ", "store"},
               {"role:        ", "role"},
               {"state:       ", "state"},
               {"since:       ", "since"},
               {"name:        ", "name"},
               {"subject:     ", "subject"},
               {"issuer:      ", "issuer"},
               {"self-signed: ", "self_signed"},
               {"authority:   ", "is_ca"},
               {"valid from:  ", "not_before"},
               {"valid until: ", "not_after"},
               {"serial:      ", "serial"}});
  PrintThumbprints(certificate, indent);
  PrintFields(
      certificate, indent,
      {{"generation:  ", "generation"}, {"key:         ", "key"}, {"key digest:  ", "key_sha256"}});
  const std::string ids = ListText(certificate, "server_ids");
  if (!ids.empty()) Print(std::string(indent) + "server ids:  " + ids + "\n");
}

const boost::json::object& Object(const boost::json::object& value, std::string_view name) {
  static const boost::json::object kNone;
  const auto* const member = value.if_contains(name);
  return member != nullptr && member->is_object() ? member->get_object() : kNone;
}

const boost::json::array& List(const boost::json::object& value, std::string_view name) {
  static const boost::json::array kEmpty;
  const auto* const list = value.if_contains(name);
  return list != nullptr && list->is_array() ? list->get_array() : kEmpty;
}

std::string ListText(const boost::json::object& value, std::string_view name) {
  std::string text;
  for (const auto& item : List(value, name)) {
    if (!item.is_string()) continue;
    text += (text.empty() ? "" : ", ") + std::string(item.get_string());
  }
  return text;
}

void PrintTexts(const boost::json::object& value, std::string_view name, std::string_view label) {
  for (const auto& item : List(value, name)) {
    if (item.is_string()) PrintLine(std::string(label) + std::string(item.get_string()));
  }
}

bool Flag(const boost::json::object& value, std::string_view name) {
  const auto* const member = value.if_contains(name);
  return member != nullptr && member->is_bool() && member->get_bool();
}

std::uint64_t Number(const boost::json::object& value, std::string_view name) {
  const auto* const member = value.if_contains(name);
  if (member == nullptr) return 0;
  boost::system::error_code failed;
  const auto number = member->to_number<std::uint64_t>(failed);
  return failed ? 0 : number;
}

void Table::Print() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - Width(row[i]) + 2, ' ');
    }
    PrintLine(line);
  }
}

std::unique_ptr<Log> MakeQuietLog() { return std::make_unique<QuietLog>(); }

}  // namespace countersign::cli
