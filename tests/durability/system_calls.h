#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

// The C library's calls that change files, replaced in this program (and so in libsqlite3 and
// libstdc++ as well): they are counted below one folder, and the n-th can be made to go wrong. One
// thread. fsync never reaches the disk here: a kill does not need it, and what a power cut leaves
// is worked out by DurableImage.
namespace countersign::testing {

enum class CallKind : std::uint8_t {
  kCreate,  // open with O_CREAT where there was nothing
  kWrite,
  kTruncate,
  kAllocate,
  kMode,
  kSync,
  kSyncFolder,
  kRename,
  kUnlink,
  kMakeFolder,
  kRemoveFolder,
  kLink,
};

// Fault says what becomes of the n-th call.
struct Fault {
  enum class Kind : std::uint8_t {
    kNone,
    kKill,         // SIGKILL before it
    kTornKill,     // half of what it should write, then SIGKILL
    kFail,         // it fails with error_number, and does nothing
    kFailFromNow,  // and so does every later one
    kFailAfter,    // it is done, and yet fails: the answer of a file server is lost
    kShortWrite,   // half of what it should write is written
    kSkip,         // it says that it is done, and does nothing; nor does any later one
  };
  Kind kind = Kind::kNone;
  std::size_t at = 0;  // counted from 1; 0 never happens
  int error_number = 0;
  // Which calls are counted, and can go wrong; empty: all.
  bool (*counts)(CallKind) = nullptr;
};

// What has happened to a file or folder, told after it.
using CallObserver =
    std::function<void(CallKind kind, const std::filesystem::path& path, std::uint64_t inode)>;

// Watch begins to count, from 0; Unwatch ends it. `root` must be absolute and free of links.
void Watch(const std::filesystem::path& root, const Fault& fault, CallObserver observer = nullptr);
void Unwatch();
// How many calls of the kinds that count there were; whether the fault has happened.
[[nodiscard]] std::size_t NumCalls();
[[nodiscard]] bool FaultHappened();

}  // namespace countersign::testing
