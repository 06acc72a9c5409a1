#include "cli/csv.h"

#include <algorithm>
#include <array>
#include <utility>

#include "cli/output.h"

namespace countersign::cli {
namespace {

// Column, and the member of AgentJson that fills it.
constexpr std::array<std::pair<std::string_view, std::string_view>, 20> kColumns = {{
    {"agent_id", "agent"},
    {"host", "host"},
    {"address", "address"},
    {"port", "port"},
    {"domain", "domain"},
    {"platform", "platform"},
    {"version", "version"},
    {"standing", "standing"},
    {"reason", "reason"},
    {"reason_text", "reason_text"},
    {"since", "since"},
    {"next_step", "next_step"},
    {"thumbprint_held", "thumbprint_held"},
    {"thumbprint_expected", "thumbprint_expected"},
    {"generation_held", "generation_held"},
    {"last_contact", "last_contact"},
    {"last_verified", "last_verified"},
    {"failures", "failures"},
    {"reachability", "reachability"},
    {"reachability_since", "reachability_since"},
}};

// What a spreadsheet may take for a formula; the full-width forms in East Asian editions.
bool IsFormula(std::string_view text) {
  static constexpr std::array<std::string_view, 11> kBegins = {"=",  "+",  "-",  "@",  "\t", "\r",
                                                               "\n", "＝", "＋", "－", "＠"};
  return std::ranges::any_of(kBegins, [&](auto begin) { return text.starts_with(begin); });
}

}  // namespace

std::string CsvField(std::string_view text) {
  std::string field;
  if (IsFormula(text)) field += '\'';
  field += text;
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string quoted = "\"";
  for (const char c : field) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string MismatchedCsvHeader(Bom bom) {
  std::string line = bom == Bom::kYes ? "\xef\xbb\xbf" : "";
  for (const auto& [column, member] : kColumns) {
    if (line.size() > 3 || (bom == Bom::kNo && !line.empty())) line += ',';
    line += column;
  }
  return line + "\r\n";
}

std::string MismatchedCsvRow(const boost::json::object& agent) {
  std::string line;
  bool first = true;
  for (const auto& [column, member] : kColumns) {
    if (!std::exchange(first, false)) line += ',';
    line += CsvField(Text(agent, member));
  }
  return line + "\r\n";
}

}  // namespace countersign::cli
