#include <algorithm>
#include <map>

#include "base/encoding.h"
#include "server/issuing_internal.h"

// Who owns an identity, and how an owner passes it on (protocol section 2, "Succession").
namespace countersign::server {
namespace {

constexpr std::size_t kMostCopiesNamed = 16;

// ImportedPart is the imported certificate and its key, which the backup holds.
Result<ServerPart> ImportedPart(const Present& present) {
  for (const auto& entry : present.book.entries()) {
    if (!entry.identity.self_signed) continue;
    const auto* const key = KeyOf(present.backup.server_keys, entry.certificate);
    if (key != nullptr) return ServerPart{*key, entry.certificate};
  }
  return Fail(Code::kRefused,
              "the automatic backup (" + std::string(kBackupPath) +
                  ") holds neither an owner key nor an imported key that could make one. Nothing "
                  "was changed. Put the right copy of that file in its place");
}

// PresentPart is what signs for the present owner: its key, or the imported key itself.
Result<ServerPart> PresentPart(World& world, const Present& present, Instant now) {
  if (!present.backup.owner_key) return ImportedPart(present);
  auto owner =
      OwnerOf(world, *present.backup.owner_key, present.book, present.server_ids.front(), now);
  if (!owner) return std::unexpected(std::move(owner).error());
  return ServerPart{std::move(owner->key), std::move(owner->certificate)};
}

Result<OwnerToUse> MakeSuccessor(World& world, const Present& present, const ServerPart& from,
                                 Instant now) {
  auto owner = MakeOwner(world, present.server_ids.front(), now);
  if (!owner) return std::unexpected(std::move(owner).error());
  auto succession = IssueSuccession(world, *owner, from, present.server_ids, now);
  if (!succession) return std::unexpected(std::move(succession).error());
  return OwnerToUse{
      .owner = *std::move(owner), .made = true, .successions = {*std::move(succession)}};
}

}  // namespace

Result<OwnerToUse> ChooseOwner(World& world, const Present& present, const SecretBytes& password,
                               Instant now) {
  if (present.backup.owner_key) {
    auto owner =
        OwnerOf(world, *present.backup.owner_key, present.book, present.server_ids.front(), now);
    if (!owner) return std::unexpected(std::move(owner).error());
    return OwnerToUse{.owner = *std::move(owner), .made = false, .successions = {}};
  }
  if (const auto checked = keys::CheckBackupPassword(password); !checked) {
    return Fail(Code::kRefused,
                "this identity was imported, and its first new certificate makes an owner key, "
                "which only the password of the automatic backup will guard: " +
                    checked.error().message + ". Nothing was changed. Give it a longer one first",
                "countersign backup password");
  }
  const auto imported = ImportedPart(present);
  if (!imported) return std::unexpected(imported.error());
  return MakeSuccessor(world, present, *imported, now);
}

Result<OwnerToUse> NewOwner(World& world, const Present& present, const SecretBytes& password,
                            Instant now) {
  if (const auto checked = keys::CheckBackupPassword(password); !checked) {
    return Fail(Code::kRefused,
                "only the password of the automatic backup will guard the new owner key: " +
                    checked.error().message + ". Nothing was changed. Give a longer one",
                "countersign owner create --new-password-file FILE");
  }
  const auto from = PresentPart(world, present, now);
  if (!from) return std::unexpected(from.error());
  return MakeSuccessor(world, present, *from, now);
}

Status CheckFollowers(World& world, const Present& present, const Rows& after) {
  const auto book = IdentityBook::Make(after);
  if (!book) return std::unexpected(book.error());
  const auto* const before = present.book.Active();
  if (before == nullptr || book->Active() == nullptr) return {};
  std::map<std::pair<Digest, ServerId>, bool> left_behind;  // by owner and server id held
  std::uint64_t count = 0;
  COUNTERSIGN_RETURN_IF_ERROR(ForEachAgent(world.registry, [&](const store::AgentRow& row) {
    if (!row.admitted || !row.held_known || !row.successor.is_nil()) return;
    const auto [at, is_new] = left_behind.try_emplace({row.held_owner, row.held_server}, false);
    if (is_new) {
      at->second = present.book.BundleFor(*before, row.held_owner, row.held_server).has_value() &&
                   !book->BundleFor(*book->Active(), row.held_owner, row.held_server).has_value();
    }
    if (at->second) ++count;
  }));
  if (count == 0) return {};
  return Fail(Code::kExhausted,
              std::to_string(count) + (count == 1 ? " agent trusts" : " agents trust") +
                  " an owner so many successions back that no bundle would have room for one more. "
                  "Nothing was changed. Let them take over the certificate in use first, or forget "
                  "them",
              "countersign agents list --earlier-owner");
}

std::vector<std::string> NotesOnCopies(World& world, const Present& present) {
  std::string copies =
      "every copy of OfficeScanAuth.dat made before now, and every archive of -b "
      "with the owner key in it";
  const auto kept = world.storage.KeptBackups();
  if (kept && !kept->empty()) {
    copies += "; on this server:";
    for (std::size_t i = 0; i < std::min(kept->size(), kMostCopiesNamed); ++i) {
      copies += " " + (*kept)[i];
    }
    if (kept->size() > kMostCopiesNamed) {
      copies += " and " + std::to_string(kept->size() - kMostCopiesNamed) + " more";
    }
  }
  const std::string key = present.backup.owner_key
                              ? HexLower(present.backup.owner_key->public_key().digest())
                              : "that was imported";
  return {"the earlier owner key " + key +
              " is gone from the automatic backup. What still holds it, under the password of its "
              "time: " +
              copies,
          "agents that took over the new certificate refuse whatever the earlier owner key signs; "
          "until an agent has, whoever opens such a copy can certify a server for it"};
}

}  // namespace countersign::server
