#include "agent/installation.h"
#include "agent/unload_lock.h"
#include "base/acting_as.h"
#include "cli/agentd_commands.h"
#include "net/open_when_free.h"

namespace countersign::cli {

Status PassUnloadHere(const std::filesystem::path& folder, const SecretBytes* password,
                      const std::string& warrant) {
  const auto acting = ActingAs::OwnerOf(folder);
  if (!acting) return std::unexpected(acting.error());
  auto installation = net::OpenWhenFree(folder, [&] { return agent::Installation::Open(folder); });
  if (!installation) return std::unexpected(installation.error());
  agent::UnloadLock& lock = installation->unload;
  if (!lock.is_set()) return {};
  const auto file = installation->folder->LoadTrust();
  if (!file) return std::unexpected(file.error());
  const auto held = trust::ParseTrustState(*file);
  if (!held) return std::unexpected(held.error());
  const Times now = ReadClocks();
  const auto passed = lock.Pass({password, warrant}, *held,
                                Uuid::FromDigest(installation->key.public_key().digest()), now);
  if (!passed) return std::unexpected(passed.error());
  const auto& spent = passed->spent;
  if (!spent) return {};
  const auto next = trust::WithSpent(*held, *spent, now.wall);
  if (!next) return std::unexpected(next.error());
  return installation->folder->StoreTrust(*next);
}

}  // namespace countersign::cli
