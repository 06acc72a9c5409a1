#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "server/admin.h"
#include "server/admin_request.h"
#include "server/events.h"
#include "server/next_steps.h"
#include "server/present.h"
#include "server/standing.h"

// Enrolment tokens, and rows that belong to one machine.
namespace countersign::server {
namespace {

// The secret is not in it: who lists tokens needs no secret, and a screen is no place for one.
boost::json::object TokenJson(const store::TokenRow& row, Instant now) {
  boost::json::object json{{"token", row.id}, {"note", row.note}};
  json["expires"] = row.expires ? FormatUtc(*row.expires) : "";
  if (row.uses_left) {
    json["uses_left"] = *row.uses_left;
  } else {
    json["uses_left"] = nullptr;
  }
  json["state"] = row.expires && *row.expires <= now ? "expired"
                  : row.uses_left == 0U              ? "used-up"
                                                     : "good";
  return json;
}

std::unexpected<Error> NoRow(const AgentId& id) {
  return Fail(Code::kNotFound, "no agent " + id.Text() + " is registered",
              "countersign agents list");
}

// What the two rows must be so that a person may say that they are one machine.
Status CheckMerge(const store::AgentRow& stays, const store::AgentRow& goes) {
  if (stays.forgotten) {
    return Fail(
        Code::kRefused,
        "agent " + stays.id.Text() + " (the new one) was forgotten: its key is refused for ever",
        std::string(kInstallAnew));
  }
  if (!stays.admitted || !stays.successor.is_nil()) {
    return Fail(Code::kRefused,
                "agent " + stays.id.Text() + " (the new one) is not admitted, or is itself retired",
                "countersign agents approve " + stays.id.Text());
  }
  if (goes.forgotten) {
    return Fail(Code::kRefused, "agent " + goes.id.Text() + " was forgotten; there is no row left",
                "countersign agents list");
  }
  if (!goes.successor.is_nil()) {
    return Fail(Code::kRefused,
                "agent " + goes.id.Text() + " is retired already: its machine is agent " +
                    goes.successor.Text() + " now",
                "countersign agents show " + goes.successor.Text());
  }
  if (goes.last_contact && stays.first_seen < *goes.last_contact) {
    return Fail(Code::kRefused,
                "agent " + goes.id.Text() + " was heard at " + FormatUtc(*goes.last_contact) +
                    ", after agent " + stays.id.Text() + " was first seen (" +
                    FormatUtc(stays.first_seen) + "): both run",
                "countersign agents forget " + goes.id.Text());
  }
  return {};
}

}  // namespace

Admin::Answer Admin::ListTokens(const AdminMessage& request, Instant now) {
  const auto after = TextMember(request, "after", "");
  if (!after) return std::unexpected(after.error());
  const auto limit = NumberMember(request, "limit", 1'000, kMaxPage);
  if (!limit) return std::unexpected(limit.error());
  const auto rows = server_.world().registry.ListTokens(*after, *limit);
  if (!rows) return std::unexpected(rows.error());
  boost::json::array tokens;
  for (const auto& row : *rows) tokens.push_back(TokenJson(row, now));
  AdminMessage answer;
  answer.json["next_after"] = *limit > 0 && rows->size() == *limit ? rows->back().id : "";
  answer.json["tokens"] = std::move(tokens);
  return answer;
}

Admin::Answer Admin::RevokeTokens(const AdminMessage& request, Instant now) {
  const auto ids = TextsMember(request, "tokens");
  if (!ids) return std::unexpected(ids.error());
  if (ids->empty()) return Fail(Code::kUsage, "at least one token is needed");
  store::Registry& registry = server_.world().registry;
  const auto revoked = registry.Transact([&]() -> Status {
    for (const std::string& id : *ids) {
      const auto row = registry.FindToken(id);
      if (!row) return std::unexpected(row.error());
      if (!*row) return Fail(Code::kNotFound, "no token " + id, "countersign token list");
      COUNTERSIGN_RETURN_IF_ERROR(registry.DeleteToken(id));
      COUNTERSIGN_RETURN_IF_ERROR(RecordEvent(
          server_.world(),
          {.id = 0, .at = now, .kind = "token-revoked", .agent = {}, .text = "token " + id}));
    }
    return {};
  });
  if (!revoked) return std::unexpected(revoked.error());
  AdminMessage answer;
  answer.json["revoked"] = ids->size();
  return answer;
}

Admin::Answer Admin::MergeAgents(const AdminMessage& request, Instant now) {
  const auto agents = AgentsMember(request);
  if (!agents) return std::unexpected(agents.error());
  if (agents->size() != 2 || agents->front() == agents->back()) {
    return Fail(Code::kUsage, "two different agents are needed: the new one, and the earlier one",
                "countersign agents merge --help");
  }
  store::Registry& registry = server_.world().registry;
  const auto merged = registry.Transact([&]() -> Status {
    const auto stays = registry.FindAgent(agents->front());
    if (!stays) return std::unexpected(stays.error());
    if (!*stays) return NoRow(agents->front());
    auto goes = registry.FindAgent(agents->back());
    if (!goes) return std::unexpected(goes.error());
    if (!*goes) return NoRow(agents->back());
    COUNTERSIGN_RETURN_IF_ERROR(CheckMerge(**stays, **goes));
    (*goes)->successor = (*stays)->id;
    COUNTERSIGN_RETURN_IF_ERROR(server_.Rejudge(**goes, now));
    COUNTERSIGN_RETURN_IF_ERROR(registry.PutAgent(**goes));
    return RecordEvent(server_.world(),
                       {.id = 0,
                        .at = now,
                        .kind = "agent-retired",
                        .agent = (*goes)->id.Text(),
                        .text = (*goes)->host + " is agent " + (*stays)->id.Text() + " now"});
  });
  if (!merged) return std::unexpected(merged.error());
  AdminMessage answer;
  answer.json["changed"] = 1;
  return answer;
}

}  // namespace countersign::server
