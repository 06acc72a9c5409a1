#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "cli/folders.h"
#include "net/control_client.h"
#include "server/admin.h"

namespace countersign::cli {

// Session carries administrators' commands to a server, whether it runs (over its control socket)
// or not (in this process, under the folder's lock, acting as the folder's owner). The server is
// reached at the first call: what a command reads and asks for before is read and asked for as the
// caller, and before anything slow; what it writes afterwards is written as the caller, too.
class Session {
 public:
  // Find fails with kNotFound if there is no server in `folder`.
  [[nodiscard]] static Result<Session> Find(const std::filesystem::path& folder);
  // Open reaches the server; done by Call, and at most once.
  [[nodiscard]] Status Open();
  // server_runs: REQUIRES that Open or Call succeeded.
  [[nodiscard]] bool server_runs() const { return client_.has_value(); }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  // Call returns the answer with "ok": true; a refusal comes as the Error that it was. `what` is
  // for the terminal of somebody who waits for it: "making a certificate"; nothing is shown
  // without.
  [[nodiscard]] Result<server::AdminMessage> Call(server::AdminMessage request,
                                                  std::string_view what = {});

 private:
  class Local;
  struct LocalDeleter {
    void operator()(Local* local) const;
  };
  Session() = default;
  std::filesystem::path folder_;
  std::optional<net::ControlClient> client_;
  std::unique_ptr<Local, LocalDeleter> local_;
};

}  // namespace countersign::cli
