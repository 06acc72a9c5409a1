#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <utility>

#include "server/admin.h"
#include "server/issuing.h"
#include "server/next_steps.h"
#include "server/present.h"
#include "server/reminders.h"
#include "server/standing.h"
#include "server/web_host.h"

// What `countersign status` shows: where the server stands, and what waits for a person.
namespace countersign::server {
namespace {

// Warnings are what a person should do something about, each with the command.
class Warnings {
 public:
  void Add(std::string text, std::string next) {
    array_.push_back(boost::json::object{{"text", std::move(text)}, {"next", std::move(next)}});
  }
  [[nodiscard]] boost::json::array Take() { return std::move(array_); }

 private:
  boost::json::array array_;
};

void WarnOfCertificate(World& world, const IdentityBook& book, Warnings& warnings) {
  const auto* const active = book.Active();
  if (active == nullptr) {
    return warnings.Add("This server has no certificate; no agent is served.",
                        std::string(kReplaceCommand));
  }
  if (!world.ring.Find(active->certificate.key().digest())) {
    warnings.Add("The private key of the server's certificate is missing.",
                 std::string(kReplaceCommand));
  }
  for (const auto& output : MissingOutputs(world, book)) {
    warnings.Add("Missing, or another: " + output + ".",
                 "CertificateManager -c PASSWORD, or start the server anew");
  }
  if (active->identity.self_signed) {
    warnings.Add("The server's certificate is its own owner: who steals its key owns every agent.",
                 "CertificateManager -c PASSWORD (makes an owner key)");
  }
}

void WarnOfTime(World& world, const IdentityBook& book, const store::ServerConfig& config,
                Instant now, Warnings& warnings) {
  auto reminders = RemindersOf(book, config, now);
  auto rewound = RewoundReminder(world, book);
  if (!rewound) {
    warnings.Add(
        "Whether this server was restored cannot be told: " + rewound.error().message + ".",
        rewound.error().next);
  } else if (*rewound) {
    reminders.push_back(**std::move(rewound));
  }
  if (const auto age = AgeOfBackup(world, now)) {
    for (auto& reminder : RemindersOf(*age)) reminders.push_back(std::move(reminder));
  } else {
    warnings.Add("The automatic backup cannot be looked at: " + age.error().message + ".",
                 age.error().next.empty() ? "countersign backup status" : age.error().next);
  }
  for (auto& reminder : reminders) {
    warnings.Add(std::move(reminder.text), std::move(reminder.next));
  }
}

void WarnOfRollout(const std::optional<store::RolloutRow>& row, Warnings& warnings) {
  if (!row) return;
  const trust::Rollout& rollout = row->rollout;
  const std::string name = "The rollout of generation " + std::to_string(rollout.generation);
  std::string text;
  if (rollout.state == trust::RolloutState::kGate) {
    text = name + " is at its gate: not all agents have taken the certificate over.";
  } else if (rollout.state == trust::RolloutState::kHalted) {
    text = name + " has halted by itself: " + rollout.why + ".";
  } else if (rollout.state == trust::RolloutState::kPaused) {
    text = name + " is paused.";
  } else {
    return;
  }
  warnings.Add(std::move(text), "countersign rollout status");
}

void WarnOfExposed(std::uint64_t exposed, Instant until, Warnings& warnings) {
  if (exposed == 0) return;
  warnings.Add(std::to_string(exposed) + (exposed == 1 ? " agent" : " agents") +
                   " may still obey a stolen key, at the latest until " + FormatUtc(until) + ".",
               "countersign agents list --exposed");
}

// Counts adds how many agents there are, by standing.
Status AddCounts(store::Registry& registry, boost::json::object& json, Warnings& warnings) {
  const auto counts = registry.CountAgents();
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
    warnings.Add("One or more agents do not have a valid server certificate.",
                 "CertificateManager -l FILE.csv, or countersign agents list --mismatched");
  }
  json["agents"] = total;
  json["mismatched"] = without;
  json["by_standing"] = std::move(by_standing);
  return {};
}

Status AddReach(Server& server, boost::json::object& json, Instant now) {
  const auto counts = server.world().registry.CountReach(server.reach().served().At(now));
  if (!counts) return std::unexpected(counts.error());
  json["by_reachability"] = {{"online", counts->online},
                             {"unreachable", counts->unreachable},
                             {"offline", counts->offline}};
  json["waiting"] = server.waiting().size();
  return {};
}

void AddCertificate(boost::json::object& json, std::string_view name,
                    const IdentityBook::Entry* entry) {
  if (entry != nullptr) json[name] = CertificateJson(*entry);
}

}  // namespace

Admin::Answer Admin::ShowStatus(const AdminMessage&, Instant now) {
  AdminMessage answer;
  const IdentityBook& book = server_.book();
  World& world = server_.world();
  Warnings warnings;
  AddCertificate(answer.json, "certificate", book.Active());
  AddCertificate(answer.json, "pending", book.Pending());
  AddCertificate(answer.json, "reserve", book.Reserve());
  WarnOfCertificate(world, book, warnings);
  WarnOfTime(world, book, server_.config(), now, warnings);
  WarnOfRollout(server_.rollout(), warnings);
  if (web_host_ != nullptr && server_.config().https) {
    for (auto& warning : web_host_->Warnings(server_.config(), now)) {
      warnings.Add(std::move(warning.text), std::move(warning.next));
    }
  }
  if (const auto until = book.RevokedUntil(); until && *until >= now) {
    std::uint64_t exposed = 0;
    COUNTERSIGN_RETURN_IF_ERROR(ForEachExposed([&](const store::AgentRow&) { ++exposed; }));
    answer.json["exposed"] = exposed;
    answer.json["exposed_until"] = FormatUtc(*until);
    WarnOfExposed(exposed, *until, warnings);
  }
  COUNTERSIGN_RETURN_IF_ERROR(AddCounts(world.registry, answer.json, warnings));
  COUNTERSIGN_RETURN_IF_ERROR(AddReach(server_, answer.json, now));
  answer.json["warnings"] = warnings.Take();
  answer.json["version"] = COUNTERSIGN_VERSION;
  answer.json["time"] = FormatUtc(now);
  return answer;
}

}  // namespace countersign::server
