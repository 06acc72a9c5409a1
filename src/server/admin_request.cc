#include "server/admin_request.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

namespace countersign::server {
namespace {

std::unexpected<Error> Wrong(std::string_view name, std::string_view what) {
  return Fail(Code::kUsage, std::string(name) + ": " + std::string(what));
}

}  // namespace

Result<std::string> TextMember(const AdminMessage& request, std::string_view name,
                               std::string_view fallback) {
  const auto* const value = request.json.if_contains(name);
  if (value == nullptr) return std::string(fallback);
  if (!value->is_string()) return Wrong(name, "a text is expected");
  return std::string(value->get_string());
}

Result<std::uint64_t> NumberMember(const AdminMessage& request, std::string_view name,
                                   std::uint64_t fallback, std::uint64_t most) {
  const auto* const value = request.json.if_contains(name);
  if (value == nullptr) return fallback;
  std::uint64_t number = 0;
  if (value->is_uint64()) {
    number = value->get_uint64();
  } else if (value->is_int64() && value->get_int64() >= 0) {
    number = static_cast<std::uint64_t>(value->get_int64());
  } else {
    return Wrong(name, "a whole number is expected");
  }
  if (number > most) return Wrong(name, "at most " + std::to_string(most) + " is allowed");
  return number;
}

Result<bool> FlagMember(const AdminMessage& request, std::string_view name) {
  const auto* const value = request.json.if_contains(name);
  if (value == nullptr) return false;
  if (!value->is_bool()) return Wrong(name, "true or false is expected");
  return value->get_bool();
}

Result<std::vector<std::string>> TextsMember(const AdminMessage& request, std::string_view name) {
  std::vector<std::string> texts;
  const auto* const value = request.json.if_contains(name);
  if (value == nullptr) return texts;
  if (!value->is_array()) return Wrong(name, "a list is expected");
  for (const auto& item : value->get_array()) {
    if (!item.is_string()) return Wrong(name, "a list of texts is expected");
    texts.emplace_back(item.get_string());
  }
  return texts;
}

// With a '/' at its end it would name nobody: that between two names belongs to neither.
Result<std::string> ScopeMember(const AdminMessage& request) {
  auto domain = TextMember(request, "domain", "");
  if (!domain || !domain->ends_with('/')) return domain;
  return Fail(Code::kUsage, "\"" + *domain + "\" is no domain: it ends with '/'",
              "name it without, as agents list does");
}

Result<std::vector<AgentId>> AgentsMember(const AdminMessage& request) {
  const auto texts = TextsMember(request, "agents");
  if (!texts) return std::unexpected(texts.error());
  std::vector<AgentId> agents;
  for (const auto& text : *texts) {
    const auto id = AgentId::ParseText(text);
    if (!id) {
      return Fail(Code::kUsage, "\"" + text + "\" is no agent id (a UUID in lower case)",
                  "countersign agents list");
    }
    agents.push_back(*id);
  }
  return agents;
}

Result<const SecretBytes*> Secret(const AdminMessage& request, std::size_t index) {
  if (index < request.secrets.size()) return &request.secrets[index];
  return Fail(Code::kUsage, "a password is needed");
}

const SecretBytes* OptionalSecret(const AdminMessage& request, std::size_t index) {
  const bool given = index < request.secrets.size() && !request.secrets[index].empty();
  return given ? &request.secrets[index] : nullptr;
}

Result<ReplaceOptions> ReadReplaceOptions(const AdminMessage& request) {
  const auto clock = FlagMember(request, "clock_is_right");
  if (!clock) return std::unexpected(clock.error());
  const auto compromised = FlagMember(request, "compromised");
  if (!compromised) return std::unexpected(compromised.error());
  return ReplaceOptions{.clock = *clock ? ClockIsRight::kYes : ClockIsRight::kNo,
                        .compromised = *compromised};
}

}  // namespace countersign::server
