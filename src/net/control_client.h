#pragma once

#include <chrono>
#include <filesystem>
#include <memory>

#include "base/error.h"
#include "net/control_message.h"

namespace countersign::net {

// ControlClient talks to the program that runs on a folder, for the command line: it blocks, and
// needs no event loop. One thread.
class ControlClient {
 public:
  // Connect opens <folder>/control.sock, whatever the length of its path, and makes sure that root
  // or the owner of the folder listens there. kNotFound: no such folder; kUnavailable: nobody
  // listens; kPermissionDenied: we are neither root nor the folder's owner, or somebody else
  // listens.
  [[nodiscard]] static Result<ControlClient> Connect(const std::filesystem::path& folder);
  ControlClient(ControlClient&&) noexcept;
  ControlClient& operator=(ControlClient&&) noexcept;
  ~ControlClient();

  // Call sends a request and waits for its answer, at most `timeout` in all. kTimedOut,
  // kUnavailable (the other side closed), kMalformed, kExhausted (the request is over a limit);
  // after any error but the last the connection is closed.
  [[nodiscard]] Result<ControlMessage> Call(const ControlMessage& request,
                                            std::chrono::milliseconds timeout);

  // AwaitEnd waits until the process on the other end has ended, at most `timeout`: a program that
  // was told to stop closes its socket before it is gone. False if it still runs; true at once
  // where the kernel does not say which process that is (a PID namespace of its own).
  [[nodiscard]] bool AwaitEnd(std::chrono::milliseconds timeout);

 private:
  class Impl;
  explicit ControlClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace countersign::net
