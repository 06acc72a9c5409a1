#include "tests/durability/server_probe.h"

#include <algorithm>
#include <set>

#include "base/encoding.h"
#include "base/files.h"
#include "base/user.h"
#include "crypto/hash.h"
#include "keys/backup.h"
#include "server/host.h"
#include "tests/support/memory_log.h"

namespace countersign::testing {
namespace {

namespace fs = std::filesystem;
using server::IdentityBook;
using store::CertificateRole;
using store::CertificateState;

constexpr std::size_t kMaxFileLen = std::size_t{16} << 20;

Bytes ContentOf(const fs::path& path) {
  auto content = ReadFile(path, kMaxFileLen);
  return content ? *std::move(content) : Bytes();
}

std::set<std::string> FilesBelow(const fs::path& root) {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_directory()) names.insert(entry.path().lexically_relative(root).string());
  }
  return names;
}

// Probe holds the parts of one opened folder against each other.
class Probe {
 public:
  Probe(server::Host& host, Seen& seen) : host_(host), seen_(seen) {}

  void Look(BackupKeys keys) {
    const IdentityBook& book = host_.server().book();
    if (book.Active() == nullptr) return Expect(false, "there is no active certificate");
    seen_.active = HexLower(book.Active()->certificate.thumbprint());
    LookAtRollout(book);
    LookAtKeys(book);
    LookAtStores(book);
    LookAtBackup(book, keys);
    for (const auto& name : Leftovers(host_.folder().path())) Expect(false, name + " was left");
  }

 private:
  void Expect(bool is_so, std::string problem) {
    if (!is_so) seen_.problems.push_back(std::move(problem));
  }

  // Those that belong into the backup; in the ring are those of aborted rollouts too.
  static std::set<Digest> KeysInUse(const IdentityBook& book) {
    std::set<Digest> keys;
    for (const auto* const entry : {book.Active(), book.Reserve(), book.Pending()}) {
      if (entry != nullptr) keys.insert(entry->certificate.key().digest());
    }
    return keys;
  }

  void LookAtRollout(const IdentityBook& book) {
    const auto rows = host_.server().world().registry.ListRollouts(1);
    Expect(rows.has_value(), "the rollouts cannot be listed");
    if (!rows || rows->empty())
      return Expect(book.Pending() == nullptr, "pending, without rollout");
    const auto& rollout = rows->front().rollout;
    seen_.rollout = std::string(trust::RolloutStateName(rollout.state)) + " " +
                    std::to_string(rollout.generation);
    const bool is_pending =
        book.Pending() != nullptr && book.Pending()->row.thumbprint == rollout.thumbprint;
    Expect(is_pending == trust::IsUnderWay(rollout.state),
           "the rollout is " + seen_.rollout + " and its certificate is not as that says");
  }

  void LookAtKeys(const IdentityBook& book) {
    const auto listed = host_.server().world().ring.List();
    Expect(listed.has_value(), "the keys cannot be listed");
    if (!listed) return;
    std::set<Digest> wanted = KeysInUse(book);
    for (const auto* const entry : book.Aborted()) wanted.insert(entry->certificate.key().digest());
    Expect(std::set<Digest>(listed->begin(), listed->end()) == wanted,
           "the ring holds other keys than those in use");
    for (const Digest& key : *listed) {
      const auto signer = host_.server().world().ring.Find(key);
      Expect(signer.has_value(), signer ? "" : signer.error().message);
    }
  }

  void LookAtStores(const IdentityBook& book) {
    std::set<std::string> wanted;
    for (const auto& entry : book.entries()) {
      if (entry.row.role != CertificateRole::kServer) continue;
      if (entry.row.state == CertificateState::kReserve ||
          entry.row.state == CertificateState::kPending ||
          entry.row.state == CertificateState::kAborted) {
        continue;
      }
      const bool active = entry.row.state == CertificateState::kActive;
      wanted.insert(std::string(active ? store::kStoreActive : store::kStoreExpired) + "/" +
                    HexLower(entry.row.thumbprint) + ".cer");
    }
    if (const auto* const web_host = host_.web_host(); web_host != nullptr) {
      wanted.insert(std::string(store::kStoreWebHosting) + "/" +
                    HexLower(web_host->certificate().thumbprint()) + ".cer");
    }
    const fs::path stores = host_.folder().path() / "certificates";
    Expect(FilesBelow(stores) == wanted, "the certificate stores are not as the registry says");
    for (const auto& entry : book.entries()) {
      const std::string name = HexLower(entry.row.thumbprint) + ".cer";
      for (const auto& file : wanted) {
        if (file.ends_with(name)) {
          Expect(ContentOf(stores / file) == entry.row.der, file + " is another certificate");
        }
      }
    }
    Expect(ContentOf(host_.folder().PublicCertificatePath()) == book.Active()->certificate.der(),
           "OfcNTCer.dat is not the active certificate");
  }

  void LookAtBackup(const IdentityBook& book, BackupKeys keys) {
    const Bytes file = ContentOf(host_.folder().BackupPath());
    const auto digest = host_.server().world().registry.GetMeta("backup_digest");
    Expect(digest && *digest == HexLower(crypto::Sha256(file)),
           "the automatic backup is not the one that the registry expects");
    for (const std::string_view password : {kProbePassword, kOtherPassword}) {
      const auto backup = keys::OpenBackup(file, SecretBytes::OwnText(password));
      if (!backup) continue;
      seen_.password = password;
      return LookInto(*backup, book, keys);
    }
    Expect(false, "no password opens the automatic backup");
  }

  void LookInto(const keys::BackupContents& backup, const IdentityBook& book, BackupKeys keys) {
    const auto* const active = book.Active();
    const auto* const newest = book.Reserve() != nullptr ? book.Reserve() : active;
    Expect(backup.manifest && backup.manifest->server_ids == book.server_ids(),
           "the backup's manifest does not name this server");
    if (backup.manifest) {
      const auto at = backup.manifest->generations.find(book.server_ids().front());
      Expect(at != backup.manifest->generations.end() && at->second >= newest->identity.generation,
             "the backup's manifest does not know the newest generation");
    }
    Expect(backup.owner_key.has_value() == !active->identity.self_signed &&
               (!backup.owner_key ||
                backup.owner_key->public_key().digest() == active->identity.owner),
           "the backup does not hold the owner's key");
    std::set<Digest> held;
    for (const auto& key : backup.server_keys) held.insert(key.public_key().digest());
    const auto in_use = KeysInUse(book);
    const bool all = std::includes(held.begin(), held.end(), in_use.begin(), in_use.end());
    Expect(keys == BackupKeys::kInUse ? held == in_use : all,
           "the backup does not hold the keys in use, or holds others");
  }

  server::Host& host_;
  Seen& seen_;
};

}  // namespace

Seen Start(const fs::path& folder, BackupKeys keys, Instant now) {
  MemoryLog log;
  Seen seen;
  const auto host = server::Host::Open(folder, log, now, kProbeIterations);
  if (host) {
    Probe(**host, seen).Look(keys);
  } else {
    seen.problems.push_back("the server does not start: " + host.error().message);
  }
  for (const auto& line : log.lines) {
    seen.log.push_back(line.text);
    if (line.level == LogLevel::kError) seen.problems.push_back("told as an error: " + line.text);
  }
  return seen;
}

std::vector<std::string> ReplaceAfterwards(const fs::path& folder, const Seen& seen, Instant now) {
  {
    MemoryLog log;
    const auto host = server::Host::Open(folder, log, now, kProbeIterations);
    if (!host) return {"the server does not start once more: " + host.error().message};
    for (const auto& line : log.lines) {
      if (line.level != LogLevel::kDebug && line.level != LogLevel::kInfo) {
        return {"the second start still has something to say: " + line.text};
      }
    }
    server::AdminMessage request;
    request.json = {{"command", "replace"}};
    request.secrets.push_back(SecretBytes::OwnText(seen.password));
    const auto answer = (*host)->admin().Handle(request, RealUser(), now);
    if (!answer.json.at("ok").as_bool()) {
      return {"the next -c fails: " + std::string(answer.json.at("message").as_string())};
    }
  }
  const Seen after = Start(folder, BackupKeys::kInUse, now);
  if (!after.problems.empty()) return after.problems;
  if (after.active == seen.active) return {"the next -c made no certificate"};
  return {};
}

std::vector<std::string> Leftovers(const fs::path& root) {
  std::vector<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const std::string name = entry.path().filename().string();
    // What held a new folder until it was put in its place; the next attempt takes it.
    if (name.ends_with(".new") && entry.is_directory() && fs::is_empty(entry.path())) continue;
    if (name.find(".new") != std::string::npos || name.ends_with(".staged")) found.push_back(name);
  }
  return found;
}

std::map<std::string, std::string> Fingerprint(const fs::path& root) {
  std::map<std::string, std::string> files;
  for (const std::string& name : FilesBelow(root)) {
    const std::string base = fs::path(name).filename().string();
    if (base.starts_with("registry.db") || base == "lock") continue;
    // The copy of a backup that was to be replaced: the same once more, named by its content.
    if (base.starts_with("OfficeScanAuth-")) continue;
    files[name] = HexLower(crypto::Sha256(ContentOf(root / name)));
  }
  return files;
}

}  // namespace countersign::testing
