#pragma once

#include <exception>

namespace countersign::net {

// OrEndProcess ends a loop without which a daemon is none (asio::co_spawn): an exception in it, a
// bug or no memory, ends the process, loudly, and the service manager starts it again.
struct OrEndProcess {
  void operator()(const std::exception_ptr& failed) const {
    if (failed) std::rethrow_exception(failed);
  }
};

}  // namespace countersign::net
