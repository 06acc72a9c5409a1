#include "keys/agent_key.h"

#include "base/files.h"

namespace countersign::keys {
namespace {

constexpr std::size_t kMaxKeyLen = 4'096;

}  // namespace

Result<crypto::PrivateKey> CreateAgentKey(const std::filesystem::path& path) {
  std::error_code failed;
  if (std::filesystem::exists(path, failed)) {
    return Fail(Code::kAlreadyExists, "there is an agent key in " + path.string() + " already");
  }
  auto key = crypto::PrivateKey::Generate(crypto::KeyKind::kP256);
  if (!key) return key;
  const SecretBytes der = key->ToPkcs8(KeyExportToken());
  COUNTERSIGN_RETURN_IF_ERROR(WriteFileAtomically(path, der.view(), FileMode::kPrivate));
  return key;
}

Result<crypto::PrivateKey> LoadAgentKey(const std::filesystem::path& path) {
  COUNTERSIGN_RETURN_IF_ERROR(CheckPrivate(path));
  auto file = ReadFile(path, kMaxKeyLen);
  if (!file) return std::unexpected(std::move(file).error());
  const SecretBytes der(*file);
  Wipe(*file);
  auto key = crypto::PrivateKey::FromPkcs8(der);
  if (!key || key->public_key().kind() != crypto::KeyKind::kP256) {
    return Fail(Code::kDamaged, "the agent key in " + path.string() + " is damaged",
                "countersign-agentd install makes the agent anew, with a new key and id");
  }
  return key;
}

}  // namespace countersign::keys
