#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "base/encoding.h"
#include "server/admin.h"
#include "server/admin_request.h"
#include "server/history.h"

// The history, shown and checked.
namespace countersign::server {
namespace {

// A page of lines is well below what a control message holds.
constexpr std::uint64_t kLinesInAnswer = 100;

// LineJson: the line as it is, and what it says, where it is one.
boost::json::object LineJson(const store::HistoryRow& row) {
  boost::json::object json{{"number", row.number}, {"line", row.line}};
  const auto parsed = wire::ParseHistoryLine(row.line);
  json["readable"] = parsed.has_value();
  if (!parsed) return json;
  const wire::HistoryLine& line = parsed->line;
  json["signed"] = parsed->envelope.has_value();
  json["at"] = FormatUtc(FromUnix(static_cast<std::int64_t>(line.iat)));
  json["kind"] = line.kind;
  json["text"] = line.text;
  json["by"] = nullptr;
  if (line.by) json["by"] = {{"uid", line.by->uid}, {"name", line.by->name}};
  json["certificate"] = line.certificate ? HexLower(*line.certificate) : "";
  return json;
}

}  // namespace

Admin::Answer Admin::ShowHistory(const AdminMessage& request, Instant) {
  const auto after = NumberMember(request, "after", 0, INT64_MAX);
  if (!after) return std::unexpected(after.error());
  const auto rows =
      server_.world().registry.ListHistory(static_cast<std::int64_t>(*after), kLinesInAnswer);
  if (!rows) return std::unexpected(rows.error());
  boost::json::array lines;
  for (const auto& row : *rows) lines.push_back(LineJson(row));
  AdminMessage answer;
  answer.json["lines"] = std::move(lines);
  return answer;
}

Admin::Answer Admin::VerifyHistory(const AdminMessage&, Instant) {
  const auto check = CheckHistory(server_.world());
  if (!check) return std::unexpected(check.error());
  AdminMessage answer;
  answer.json = {{"lines", check->num_lines},
                 {"unsigned", check->num_unsigned},
                 {"first", check->first},
                 {"head", wire::FormatHistoryHead(check->head)},
                 {"problem", nullptr}};
  if (check->problem) {
    answer.json["problem"] = {{"line", check->problem->line}, {"what", check->problem->what}};
  }
  return answer;
}

}  // namespace countersign::server
