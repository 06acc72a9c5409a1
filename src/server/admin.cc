#include "server/admin.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "server/admin_request.h"
#include "server/events.h"
#include "server/issuing.h"
#include "server/present.h"
#include "server/reminders.h"
#include "server/standing.h"

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
  static constexpr std::array<Command, 34> kCommands = {{
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
      {"order", Kind::kActs, &Admin::SendOrder},
      {"orders", Kind::kShows, &Admin::ShowOrders},
      {"rollout-plan", Kind::kShows, &Admin::PlanRollout},
      {"rollout-start", Kind::kActs, &Admin::StartRollout},
      {"rollout-status", Kind::kShows, &Admin::RolloutStatus},
      {"rollout-pause", Kind::kActs, &Admin::PauseRollout},
      {"rollout-resume", Kind::kActs, &Admin::ResumeRollout},
      {"rollout-finish", Kind::kActs, &Admin::FinishRollout},
      {"rollout-abort", Kind::kActs, &Admin::AbortRollout},
      {"rollout-rollback", Kind::kActs, &Admin::RollBack},
      {"rollout-proof", Kind::kShows, &Admin::ShowProof},
      {"events", Kind::kShows, &Admin::ListEvents},
      {"history", Kind::kShows, &Admin::ShowHistory},
      {"history-verify", Kind::kShows, &Admin::VerifyHistory},
  }};
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

namespace {

// What waits for a person.
std::optional<std::string> StoppedText(const std::optional<store::RolloutRow>& row) {
  if (!row) return std::nullopt;
  const trust::Rollout& rollout = row->rollout;
  const std::string name = "The rollout of generation " + std::to_string(rollout.generation);
  switch (rollout.state) {
    case trust::RolloutState::kGate:
      return name + " is at its gate: not all agents have taken the certificate over.";
    case trust::RolloutState::kHalted:
      return name + " has halted by itself: " + rollout.why + ".";
    case trust::RolloutState::kPaused:
      return name + " is paused.";
    default:
      return std::nullopt;
  }
}

}  // namespace

Admin::Answer Admin::ShowStatus(const AdminMessage&, Instant now) {
  AdminMessage answer;
  const IdentityBook& book = server_.book();
  boost::json::array warnings;
  const auto warn = [&](std::string text, std::string next) {
    warnings.push_back(boost::json::object{{"text", std::move(text)}, {"next", std::move(next)}});
  };
  const auto* const active = book.Active();
  if (active == nullptr) {
    warn("This server has no certificate; no agent is served.", "CertificateManager -c PASSWORD");
  } else {
    answer.json["certificate"] = CertificateJson(*active);
    if (!server_.world().ring.Find(active->certificate.key().digest())) {
      warn("The private key of the server's certificate is missing.",
           "CertificateManager -c PASSWORD");
    }
    for (const auto& output : MissingOutputs(server_.world(), book)) {
      warn("Missing, or another: " + output + ".",
           "CertificateManager -c PASSWORD, or start the server anew");
    }
    if (active->identity.self_signed) {
      warn("The server's certificate is its own owner: who steals its key owns every agent.",
           "CertificateManager -c PASSWORD (makes an owner key)");
    }
  }
  auto reminders = RemindersOf(book, server_.config(), now);
  auto rewound = RewoundReminder(server_.world(), book);
  if (!rewound) return std::unexpected(std::move(rewound).error());
  if (*rewound) reminders.push_back(**std::move(rewound));
  if (const auto age = AgeOfBackup(server_.world(), now)) {
    for (auto& reminder : RemindersOf(*age)) reminders.push_back(std::move(reminder));
  } else {
    warn("The automatic backup cannot be looked at: " + age.error().message + ".",
         age.error().next.empty() ? "countersign backup status" : age.error().next);
  }
  for (auto& reminder : reminders) warn(std::move(reminder.text), std::move(reminder.next));
  if (const auto until = book.RevokedUntil(); until && *until >= now) {
    std::uint64_t exposed = 0;
    COUNTERSIGN_RETURN_IF_ERROR(ForEachExposed([&](const store::AgentRow&) { ++exposed; }));
    answer.json["exposed"] = exposed;
    answer.json["exposed_until"] = FormatUtc(*until);
    if (exposed > 0) {
      warn(std::to_string(exposed) + (exposed == 1 ? " agent" : " agents") +
               " may still obey a stolen key, at the latest until " + FormatUtc(*until) + ".",
           "countersign agents list --exposed");
    }
  }
  if (auto stopped = StoppedText(server_.rollout())) {
    warn(*std::move(stopped), "countersign rollout status");
  }
  if (book.Pending() != nullptr) answer.json["pending"] = CertificateJson(*book.Pending());
  if (book.Reserve() != nullptr) answer.json["reserve"] = CertificateJson(*book.Reserve());
  const auto counts = server_.world().registry.CountAgents();
  if (!counts) return std::unexpected(counts.error());
  boost::json::object by_standing;
  std::uint64_t total = 0;
  std::uint64_t without = 0;
  for (const auto& count : *counts) {
    by_standing[count.standing] = count.count;
    total += count.count;
    if (count.standing == kMismatched || count.standing == kQuarantined) without += count.count;
  }
  if (without > 0) {
    warn("One or more agents do not have a valid server certificate.",
         "CertificateManager -l FILE.csv, or countersign agents list --mismatched");
  }
  answer.json["agents"] = total;
  answer.json["mismatched"] = without;
  answer.json["by_standing"] = std::move(by_standing);
  answer.json["warnings"] = std::move(warnings);
  answer.json["version"] = COUNTERSIGN_VERSION;
  answer.json["time"] = FormatUtc(now);
  return answer;
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
