#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "base/files.h"
#include "trust/order_memory.h"
#include "trust/trust_state.h"

namespace countersign::store {

// AgentStorage is the agent's disk, as the agent's logic sees it: a real folder (OpenAgentFolder)
// or the simulator's. When a call returns success, a power cut does not undo it; when it fails or
// never returns, the old content or the new one is there. Used from one thread.
class AgentStorage {
 public:
  virtual ~AgentStorage() = default;
  // Nothing there (first start, not installed) is kNotFound.
  [[nodiscard]] virtual Result<Bytes> LoadTrust() = 0;
  // StoreTrust also writes OfcNTCer.dat anew after the state itself; if only that fails, the state
  // is stored and the call succeeds (RestoreCertificateFile mends the file).
  [[nodiscard]] virtual Status StoreTrust(const trust::TrustState& state) = 0;
  [[nodiscard]] virtual Result<Bytes> LoadOrders() = 0;  // nothing there: empty
  // AppendOrders adds to the end. Caller must still: ReplaceOrders first if what LoadOrders
  // returned ended in half a record, otherwise the next record would stand behind that half.
  [[nodiscard]] virtual Status AppendOrders(ByteView record) = 0;
  [[nodiscard]] virtual Status ReplaceOrders(ByteView whole) = 0;
  // Counters: the small state beside them (seq block, failure counters, history head), opaque here.
  [[nodiscard]] virtual Result<Bytes> LoadCounters() = 0;  // nothing there: empty
  [[nodiscard]] virtual Status StoreCounters(ByteView whole) = 0;
};

// AgentFolder is an agent's folder on a real disk: agent.toml, OfcNTCer.dat, trust, orders,
// counters, agent.key, move, control.sock, lock. All 0600 in a 0700 folder of the user as whom the
// agent runs; OfcNTCer.dat is 0644.
class AgentFolder final : public AgentStorage {
 public:
  // Open takes the folder's lock and checks ownership and permissions of everything in it (protocol
  // section 3: refuses to start on unsafe ones, with the command that mends them). kUnavailable: an
  // agent runs on it; kNotFound: no agent folder (says if it is a server's).
  [[nodiscard]] static Result<std::unique_ptr<AgentFolder>> Open(const std::filesystem::path& path);

  [[nodiscard]] Result<Bytes> LoadTrust() override;
  [[nodiscard]] Status StoreTrust(const trust::TrustState& state) override;
  [[nodiscard]] Result<Bytes> LoadOrders() override;
  [[nodiscard]] Status AppendOrders(ByteView record) override;
  [[nodiscard]] Status ReplaceOrders(ByteView whole) override;
  [[nodiscard]] Result<Bytes> LoadCounters() override;
  [[nodiscard]] Status StoreCounters(ByteView whole) override;

  // RestoreCertificateFile puts OfcNTCer.dat back if it is not the certificate held (it is an
  // output, never an input). Returns whether it had to.
  [[nodiscard]] Result<bool> RestoreCertificateFile(const trust::TrustState& state);

  // The file `move` (store/move_journal.h), opaque here. LoadMove: nothing there is empty.
  // StoreMove replaces it durably; with nothing it removes it.
  [[nodiscard]] Result<Bytes> LoadMove() const;
  [[nodiscard]] Status StoreMove(ByteView whole);
  // agent.toml, opaque here. StoreConfig replaces it durably; KeepConfig writes `text` beside it,
  // as agent.toml.old.
  [[nodiscard]] Result<std::string> LoadConfig() const;
  [[nodiscard]] Status StoreConfig(std::string_view text);
  [[nodiscard]] Status KeepConfig(std::string_view text);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  AgentFolder(std::filesystem::path path, FileLock lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}
  std::filesystem::path path_;
  FileLock lock_;
  bool orders_torn_ = false;  // half a record at the end could not be cut off
};

// ReadTrustForStatus reads the trust state without the lock, for `status` beside a running agent.
[[nodiscard]] Result<trust::TrustState> ReadTrustForStatus(const std::filesystem::path& folder);

}  // namespace countersign::store
