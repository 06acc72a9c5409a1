#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/admin.h"
#include "server/issuing.h"

// Reading the members of a request. All fail with kUsage naming the member.
namespace countersign::server {

// What one answer lists at most: agents, tokens and the like; names with what is to be done; and
// campaigns and rollouts that are over.
inline constexpr std::uint64_t kMaxPage = 10'000;
inline constexpr std::size_t kMaxNames = 1'000;
inline constexpr std::size_t kEarlierShown = 10;

[[nodiscard]] Result<std::string> TextMember(const AdminMessage& request, std::string_view name,
                                             std::string_view fallback);
// ScopeMember reads the domain (empty: none) whose agents, and those beneath it, are meant.
[[nodiscard]] Result<std::string> ScopeMember(const AdminMessage& request);
[[nodiscard]] Result<std::uint64_t> NumberMember(const AdminMessage& request, std::string_view name,
                                                 std::uint64_t fallback, std::uint64_t most);
[[nodiscard]] Result<bool> FlagMember(const AdminMessage& request, std::string_view name);
[[nodiscard]] Result<std::vector<std::string>> TextsMember(const AdminMessage& request,
                                                           std::string_view name);
// AgentsMember reads ids of agents as text.
[[nodiscard]] Result<std::vector<AgentId>> AgentsMember(const AdminMessage& request);
// Secret returns the secret at `index`; kUsage if the request has none there.
[[nodiscard]] Result<const SecretBytes*> Secret(const AdminMessage& request, std::size_t index);

// OptionalSecret: nullptr if it is not there, or empty.
[[nodiscard]] const SecretBytes* OptionalSecret(const AdminMessage& request, std::size_t index);

// ReadReplaceOptions reads clock_is_right and compromised.
[[nodiscard]] Result<ReplaceOptions> ReadReplaceOptions(const AdminMessage& request);

}  // namespace countersign::server
