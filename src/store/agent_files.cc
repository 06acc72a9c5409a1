#include "store/agent_files.h"

#include <array>
#include <string>
#include <system_error>

#include "base/user.h"
#include "store/config.h"
#include "store/move_journal.h"

namespace countersign::store {
namespace {

namespace fs = std::filesystem;

constexpr char kConfiguration[] = "agent.toml";
constexpr char kOldConfiguration[] = "agent.toml.old";
constexpr char kServerConfiguration[] = "countersign.toml";
constexpr char kTrust[] = "trust";
constexpr char kOrders[] = "orders";
constexpr char kCounters[] = "counters";
constexpr char kKey[] = "agent.key";
constexpr char kMove[] = "move";
constexpr char kUnload[] = "unload";
constexpr char kLock[] = "lock";
constexpr char kCertificate[] = "OfcNTCer.dat";

constexpr std::size_t kMaxCountersLen = 1024 * 1024;

bool IsThere(const fs::path& path) {
  std::error_code error;  // what cannot be examined is found out by the one who opens it
  return fs::exists(path, error);
}

// ExpectAgentFolder refuses a folder of the wrong kind by name.
Status ExpectAgentFolder(const fs::path& folder) {
  COUNTERSIGN_RETURN_IF_ERROR(CheckAdministers(folder));  // what is not seen is not denied
  if (!IsThere(folder)) {
    return Fail(Code::kNotFound, "there is no folder " + folder.string());
  }
  if (IsThere(folder / kConfiguration)) return {};
  if (IsThere(folder / kServerConfiguration)) {
    return Fail(Code::kNotFound, folder.string() +
                                     " is the folder of a Countersign server (it holds " +
                                     kServerConfiguration + "), not of an agent");
  }
  return Fail(Code::kNotFound, folder.string() + " is not the folder of a Countersign agent: " +
                                   kConfiguration + " is not there");
}

Status CheckPermissions(const fs::path& folder) {
  COUNTERSIGN_RETURN_IF_ERROR(CheckPrivate(folder));
  for (const char* name :
       std::to_array({kConfiguration, kTrust, kOrders, kCounters, kKey, kMove, kUnload, kLock})) {
    if (!IsThere(folder / name)) continue;
    COUNTERSIGN_RETURN_IF_ERROR(CheckPrivate(folder / name));
  }
  return {};
}

// A file of ours that is longer than anything we write is damaged, not malformed input.
Result<Bytes> ReadOwn(const fs::path& path, std::size_t max_len) {
  Result<Bytes> content = ReadFile(path, max_len);
  if (content || content.error().code != Code::kMalformed) return content;
  return Fail(Code::kDamaged, std::move(content).error().message);
}

Result<Bytes> ReadOwnOrEmpty(const fs::path& path, std::size_t max_len) {
  Result<Bytes> content = ReadOwn(path, max_len);
  if (!content && content.error().code == Code::kNotFound) return Bytes();
  return content;
}

Result<Bytes> ReadTrust(const fs::path& folder) {
  return ReadOwn(folder / kTrust, trust::kMaxTrustStateLen);
}

Status WriteCertificate(const fs::path& folder, const trust::TrustState& state) {
  return WriteFileAtomically(folder / kCertificate, state.certificate.der(), FileMode::kPublic);
}

bool OthersMayWrite(const fs::path& path) {
  std::error_code error;
  const fs::perms others = fs::perms::group_write | fs::perms::others_write;
  return (fs::status(path, error).permissions() & others) != fs::perms::none;
}

}  // namespace

Result<std::unique_ptr<AgentFolder>> AgentFolder::Open(const fs::path& path) {
  COUNTERSIGN_RETURN_IF_ERROR(ExpectAgentFolder(path));
  COUNTERSIGN_RETURN_IF_ERROR(CheckPermissions(path));
  Result<FileLock> lock = FileLock::Acquire(path / kLock);
  if (!lock) {
    if (lock.error().code != Code::kUnavailable) return std::unexpected(std::move(lock).error());
    return Fail(Code::kUnavailable, "an agent runs on " + path.string() + " already",
                "countersign-agentd status");
  }
  RemoveLeftovers(path);
  return std::unique_ptr<AgentFolder>(new AgentFolder(path, *std::move(lock)));
}

Result<Bytes> AgentFolder::LoadTrust() { return ReadTrust(path_); }

Status AgentFolder::StoreTrust(const trust::TrustState& state) {
  COUNTERSIGN_RETURN_IF_ERROR(
      WriteFileAtomically(path_ / kTrust, trust::EncodeTrustState(state), FileMode::kPrivate));
  // The trust has moved for good; a failure told now would say that it had not.
  static_cast<void>(WriteCertificate(path_, state));
  return {};
}

Result<Bytes> AgentFolder::LoadOrders() {
  return ReadOwnOrEmpty(path_ / kOrders, trust::OrderMemory::kMaxFileLen);
}

// A record after half a record would make the whole file unreadable: what a failed append left is
// cut off, and if that fails too, only ReplaceOrders helps.
Status AgentFolder::AppendOrders(ByteView record) {
  if (orders_torn_) {
    return Fail(Code::kIo, (path_ / kOrders).string() + " ends in half a record");
  }
  const fs::path path = path_ / kOrders;
  std::error_code error;
  const std::uintmax_t before = fs::exists(path, error) ? fs::file_size(path, error) : 0;
  if (error) return Fail(Code::kIo, "cannot examine " + path.string() + ": " + error.message());
  if (before + record.size() > trust::OrderMemory::kMaxFileLen) {
    return Fail(Code::kExhausted, path.string() + " is full");
  }
  Status appended = AppendDurably(path, record);
  if (!appended && fs::exists(path, error)) {
    fs::resize_file(path, before, error);
    orders_torn_ = static_cast<bool>(error);
  }
  return appended;
}

Status AgentFolder::ReplaceOrders(ByteView whole) {
  if (whole.size() > trust::OrderMemory::kMaxFileLen) {
    return Fail(Code::kExhausted, "the order memory is too long");
  }
  COUNTERSIGN_RETURN_IF_ERROR(WriteFileAtomically(path_ / kOrders, whole, FileMode::kPrivate));
  orders_torn_ = false;
  return {};
}

Result<Bytes> AgentFolder::LoadCounters() {
  return ReadOwnOrEmpty(path_ / kCounters, kMaxCountersLen);
}

Status AgentFolder::StoreCounters(ByteView whole) {
  if (whole.size() > kMaxCountersLen) {
    return Fail(Code::kExhausted, "the agent's counters are too long");
  }
  return WriteFileAtomically(path_ / kCounters, whole, FileMode::kPrivate);
}

Result<Bytes> AgentFolder::LoadMove() const {
  return ReadOwnOrEmpty(path_ / kMove, kMaxMoveJournalLen);
}

Status AgentFolder::StoreMove(ByteView whole) {
  if (whole.empty()) return RemoveDurably(path_ / kMove);
  if (whole.size() > kMaxMoveJournalLen) {
    return Fail(Code::kExhausted, "the plan of a move is too long");
  }
  return WriteFileAtomically(path_ / kMove, whole, FileMode::kPrivate);
}

Result<std::string> AgentFolder::LoadConfig() const {
  const auto content = ReadFile(path_ / kConfiguration, kMaxConfigLen);
  if (!content) return std::unexpected(content.error());
  return std::string(AsText(*content));
}

Status AgentFolder::StoreConfig(std::string_view text) {
  return WriteFileAtomically(path_ / kConfiguration, AsBytes(text), FileMode::kPrivate);
}

Status AgentFolder::KeepConfig(std::string_view text) {
  return WriteFileAtomically(path_ / kOldConfiguration, AsBytes(text), FileMode::kPrivate);
}

Result<bool> AgentFolder::RestoreCertificateFile(const trust::TrustState& state) {
  const fs::path path = path_ / kCertificate;
  const Result<Bytes> there = ReadFile(path, crypto::Certificate::kMaxLen);
  if (there && *there == state.certificate.der() && !OthersMayWrite(path)) return false;
  COUNTERSIGN_RETURN_IF_ERROR(WriteCertificate(path_, state));
  return true;
}

Result<trust::TrustState> ReadTrustForStatus(const fs::path& folder) {
  COUNTERSIGN_RETURN_IF_ERROR(ExpectAgentFolder(folder));
  const Result<Bytes> file = ReadTrust(folder);
  if (!file) return std::unexpected(file.error());
  return trust::ParseTrustState(*file);
}

}  // namespace countersign::store
