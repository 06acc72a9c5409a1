#include "cli/move_commands.h"

#include <boost/json/value.hpp>
#include <charconv>
#include <string_view>
#include <utility>

#include "base/encoding.h"
#include "base/files.h"
#include "base/terminal.h"
#include "cli/amounts.h"
#include "cli/move_files.h"
#include "cli/move_text.h"
#include "wire/move_target.h"

namespace countersign::cli {
namespace {

constexpr std::size_t kMaxWarrantsLen = 2UL * 1024 * 1024;
constexpr std::uint64_t kMostRate = 1'000'000;

Status AddTerms(boost::json::object& request, const std::string& rate, const std::string& halt_at) {
  if (!rate.empty()) {
    const auto number = ParseRate(rate);
    if (!number) return std::unexpected(number.error());
    request["rate"] = *number;
  }
  if (halt_at.empty()) return {};
  const auto share = ParseShare(halt_at);
  if (!share) return std::unexpected(share.error());
  request["halt_at"] = *share;
  return {};
}

// Before the password is given: whoever could change target.json on its way could name a server
// of his own.
void ShowTarget(const std::string& text) {
  const auto announcement = wire::ParseMoveAnnouncement(text);
  if (!announcement) return;
  const wire::MoveTarget& target = announcement->target;
  PrintToError("The agents are to belong to:");
  PrintToError("  server:         " + target.server.Text());
  PrintToError("  its owner:      " + HexLower(target.owner));
  for (const auto& address : target.addresses) PrintToError("  reached at:     " + address);
  PrintToError(
      "Compare server and owner with countersign owner show on the target; Ctrl-C starts "
      "nothing.");
}

Result<server::AdminMessage> StartRequest(const MoveStartCommand& command, Form form) {
  server::AdminMessage request;
  request.json = {{"command", "move-start"}};
  COUNTERSIGN_RETURN_IF_ERROR(AddWhom(request.json, command.whom));
  COUNTERSIGN_RETURN_IF_ERROR(AddTerms(request.json, command.rate, command.halt_at));
  auto target = ReadTarget(command.target);
  if (!target) return std::unexpected(std::move(target).error());
  request.json["target"] = *target;
  if (!command.warrant.empty()) {
    auto warrants = ReadFile(command.warrant, kMaxWarrantsLen);
    if (!warrants) return std::unexpected(std::move(warrants).error());
    request.blobs.push_back(*std::move(warrants));
    return request;
  }
  if (form == Form::kText && ErrorIsTerminal()) ShowTarget(*target);
  auto password = GetPassword(command.password, Prompt::kOnce);
  if (!password) return std::unexpected(std::move(password).error());
  request.secrets.push_back(*std::move(password));
  return request;
}

// For commands whose answer is a campaign.
Exit Ask(Session& session, boost::json::object json, std::string_view done, Form form) {
  server::AdminMessage request;
  request.json = std::move(json);
  const auto answer = session.Call(std::move(request));
  if (!answer) return PrintError(answer.error(), form);
  if (form == Form::kJson) {
    PrintJson(answer->json);
    return Exit::kOk;
  }
  if (answer->json.contains("move")) {
    Print(MoveText(Object(answer->json, "move")));
  } else {
    PrintLine(done);
  }
  return Exit::kOk;
}

}  // namespace

Result<std::uint64_t> ParseRate(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  const bool is_minute = unit.empty() || unit == "/min" || unit == "/m";
  const bool is_second = unit == "/s";
  if (failed == std::errc() && number <= kMostRate && (is_minute || is_second)) {
    const std::uint64_t rate = is_second ? number * 60 : number;
    if (rate <= kMostRate) return rate;
  }
  return Fail(Code::kUsage, "\"" + std::string(text.substr(0, 32)) +
                                "\" is no rate like 60/min, 5/s or 0 (no limit)");
}

Exit StartMove(Session& session, const MoveStartCommand& command, Form form) {
  auto request = StartRequest(command, form);
  if (!request) return PrintError(request.error(), form);
  const auto answer = session.Call(*std::move(request), "making the warrants");
  if (!answer) return PrintError(answer.error(), form);
  if (form == Form::kJson) {
    PrintJson(answer->json);
    return Exit::kOk;
  }
  Print(MoveText(Object(answer->json, "move")));
  if (Number(answer->json, "left_out") > 0) {
    PrintLine(Text(answer->json, "left_out") +
              " agents take no orders and are left out: countersign move plan names them.");
  }
  if (Number(answer->json, "moved_already") > 0) {
    PrintLine(Text(answer->json, "moved_already") +
              " of those named have moved already and are left out.");
  }
  PrintLine("How far it is: countersign move status");
  if (!session.server_runs()) {
    PrintLine("The server is not running: nothing moves until countersignd is started.");
  }
  return Exit::kOk;
}

Exit ResumeMove(Session& session, const MoveResumeCommand& command, Form form) {
  boost::json::object request = {{"command", "move-resume"}};
  if (const auto added = AddTerms(request, command.rate, command.halt_at); !added) {
    return PrintError(added.error(), form);
  }
  return Ask(session, std::move(request), "Nobody is left to be moved.", form);
}

Exit AbortMove(Session& session, Form form) {
  return Ask(session, {{"command", "move-abort"}},
             "Aborted: nobody else is ordered away. An order that was sent already may be carried "
             "out all the same: countersign move status says so.",
             form);
}

}  // namespace countersign::cli
