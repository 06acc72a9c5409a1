#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "base/encoding.h"
#include "server/admin.h"
#include "server/admin_request.h"
#include "server/issuing_internal.h"
#include "server/next_steps.h"
#include "server/standing.h"

// Who owns this server's identity, and who did before.
namespace countersign::server {
namespace {

// How many agents have not proved to follow the present owner.
Result<std::uint64_t> CountEarlier(Server& server) {
  std::uint64_t count = 0;
  COUNTERSIGN_RETURN_IF_ERROR(
      ForEachAgent(server.world().registry, [&](const store::AgentRow& row) {
        if (HoldsEarlierOwner(row, server.book())) ++count;
      }));
  return count;
}

}  // namespace

Admin::Answer Admin::ShowOwner(const AdminMessage&, Instant) {
  const IdentityBook& book = server_.book();
  const auto* const owner = book.OwnerCertificate();
  if (owner == nullptr || book.Active() == nullptr) {
    return Fail(Code::kNotFound, "this server has no certificate, and no owner certified it",
                std::string(kReplaceCommand));
  }
  boost::json::array server_ids;
  for (const auto& id : book.server_ids()) server_ids.emplace_back(id.Text());
  boost::json::array earlier;
  for (const Digest& digest : book.EarlierOwners()) earlier.emplace_back(HexLower(digest));
  const auto count = CountEarlier(server_);
  if (!count) return std::unexpected(count.error());
  AdminMessage answer;
  answer.json = {{"owner", HexLower(owner->key().digest())},
                 {"name", owner->subject()},
                 {"self_signed", book.Active()->identity.self_signed},
                 {"server_ids", std::move(server_ids)},
                 {"earlier", std::move(earlier)},
                 {"agents_of_earlier", *count}};
  return answer;
}

Admin::Answer Admin::CreateOwner(const AdminMessage& request, Instant now) {
  const auto clock = FlagMember(request, "clock_is_right");
  if (!clock) return std::unexpected(clock.error());
  const auto password = Secret(request, 0);
  if (!password) return std::unexpected(password.error());
  const ReplaceOptions options{.clock = *clock ? ClockIsRight::kYes : ClockIsRight::kNo,
                               .compromised = false,
                               .new_owner = true,
                               .new_password = OptionalSecret(request, 1)};
  auto answer =
      Changed(ReplaceCertificate(server_.world(), server_.config(), **password, options, now), now);
  if (!answer) return answer;
  answer->json["owner"] = HexLower(server_.book().Active()->identity.owner);
  // The change is made; only the number may be missing.
  if (const auto count = CountEarlier(server_)) answer->json["agents_of_earlier"] = *count;
  return answer;
}

}  // namespace countersign::server
