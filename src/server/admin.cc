#include "server/admin.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "server/admin_request.h"
#include "server/events.h"
#include "server/present.h"

namespace countersign::server {

AdminMessage Admin::Handle(const AdminMessage& request, const User& user, Instant now) {
  World& world = server_.world();
  world.by = ActorOf(user, request);
  auto answer = Dispatch(request, now);
  world.by.reset();
  if (answer) {
    answer->json["ok"] = true;
    return *std::move(answer);
  }
  const Error& error = answer.error();
  AdminMessage failed;
  failed.json = {{"ok", false},
                 {"code", CodeName(error.code)},
                 {"message", error.message},
                 {"next", error.next}};
  return failed;
}

Admin::Answer Admin::Dispatch(const AdminMessage& request, Instant now) {
  using Method = Answer (Admin::*)(const AdminMessage&, Instant);
  enum class Kind { kShows, kActs };
  struct Command {
    std::string_view name;
    Kind kind;
    Method method;
  };
  static constexpr auto kCommands = std::to_array<Command>({
      {"status", Kind::kShows, &Admin::ShowStatus},
      {"certificates", Kind::kShows, &Admin::ListCertificates},
      {"replace", Kind::kActs, &Admin::Replace},
      {"import", Kind::kActs, &Admin::Import},
      {"export", Kind::kActs, &Admin::Export},
      {"owner", Kind::kShows, &Admin::ShowOwner},
      {"owner-create", Kind::kActs, &Admin::CreateOwner},
      {"owner-request", Kind::kActs, &Admin::AskOwner},
      {"owner-install", Kind::kActs, &Admin::InstallOwner},
      {"archive", Kind::kActs, &Admin::Archive},
      {"backup-password", Kind::kActs, &Admin::ChangePassword},
      {"backup-status", Kind::kShows, &Admin::BackupStatus},
      {"backup-verify", Kind::kActs, &Admin::BackupVerify},
      {"backup-file", Kind::kActs, &Admin::BackupFile},
      {"backup-drilled", Kind::kActs, &Admin::BackupDrilled},
      {"agents", Kind::kShows, &Admin::ListAgents},
      {"agent", Kind::kShows, &Admin::ShowAgent},
      {"approve", Kind::kActs, &Admin::Approve},
      {"forget", Kind::kActs, &Admin::Forget},
      {"package", Kind::kActs, &Admin::MakePackage},
      {"tokens", Kind::kShows, &Admin::ListTokens},
      {"token-revoke", Kind::kActs, &Admin::RevokeTokens},
      {"merge", Kind::kActs, &Admin::MergeAgents},
      {"order", Kind::kActs, &Admin::SendOrder},
      {"orders", Kind::kShows, &Admin::ShowOrders},
      {"unload-set", Kind::kActs, &Admin::SetUnload},
      {"unload-show", Kind::kShows, &Admin::ShowUnload},
      {"rollout-plan", Kind::kShows, &Admin::PlanRollout},
      {"rollout-start", Kind::kActs, &Admin::StartRollout},
      {"rollout-status", Kind::kShows, &Admin::RolloutStatus},
      {"rollout-pause", Kind::kActs, &Admin::PauseRollout},
      {"rollout-resume", Kind::kActs, &Admin::ResumeRollout},
      {"rollout-finish", Kind::kActs, &Admin::FinishRollout},
      {"rollout-abort", Kind::kActs, &Admin::AbortRollout},
      {"rollout-rollback", Kind::kActs, &Admin::RollBack},
      {"move-plan", Kind::kShows, &Admin::PlanMove},
      {"move-start", Kind::kActs, &Admin::StartMove},
      {"move-status", Kind::kShows, &Admin::MoveStatus},
      {"move-resume", Kind::kActs, &Admin::ResumeMove},
      {"move-abort", Kind::kActs, &Admin::AbortMove},
      {"move-expect", Kind::kActs, &Admin::ExpectAgents},
      {"rollout-proof", Kind::kShows, &Admin::ShowProof},
      {"events", Kind::kShows, &Admin::ListEvents},
      {"history", Kind::kShows, &Admin::ShowHistory},
      {"history-verify", Kind::kShows, &Admin::VerifyHistory},
      {"web-certificate", Kind::kShows, &Admin::ShowWebCertificate},
      {"web-certificate-renew", Kind::kActs, &Admin::RenewWebCertificate},
      {"web-certificate-install", Kind::kActs, &Admin::InstallWebCertificate},
  });
  const auto name = TextMember(request, "command", "");
  if (!name) return std::unexpected(name.error());
  const auto* const command = std::ranges::find(kCommands, *name, &Command::name);
  if (command == kCommands.end()) {
    return Fail(Code::kUsage, "this server does not know the command \"" + *name + "\"",
                "use the command line of the server's version");
  }
  auto answer = (this->*command->method)(request, now);
  if (!answer && command->kind == Kind::kActs) RecordRefusal(*name, answer.error(), now);
  return answer;
}

// The code alone: a message may quote what was typed, and people type passwords in wrong places.
void Admin::RecordRefusal(std::string_view command, const Error& error, Instant now) {
  const auto recorded = RecordEvent(server_.world(), {.id = 0,
                                                      .at = now,
                                                      .kind = std::string(command) + "-refused",
                                                      .agent = {},
                                                      .text = std::string(CodeName(error.code))});
  if (!recorded) server_.world().log.Write(LogLevel::kError, recorded.error().message);
}

Admin::Answer Admin::ListEvents(const AdminMessage& request, Instant) {
  const auto after = NumberMember(request, "after", 0, INT64_MAX);
  if (!after) return std::unexpected(after.error());
  const auto limit = NumberMember(request, "limit", 1'000, 10'000);
  if (!limit) return std::unexpected(limit.error());
  const auto rows = server_.world().registry.ListEvents(static_cast<std::int64_t>(*after), *limit);
  if (!rows) return std::unexpected(rows.error());
  boost::json::array events;
  for (const auto& row : *rows) events.push_back(EventJson(row));
  AdminMessage answer;
  answer.json["events"] = std::move(events);
  return answer;
}

}  // namespace countersign::server
