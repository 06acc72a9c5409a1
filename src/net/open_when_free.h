#pragma once

#include <chrono>
#include <filesystem>
#include <thread>

#include "base/error.h"
#include "net/control_client.h"

namespace countersign::net {

// OpenWhenFree opens a folder that one process at a time may have, with `open`, which returns a
// Result. Commands have a stopped daemon's folder for a moment only, and a daemon that starts has
// it before it listens: so kUnavailable is tried again for five seconds, unless a daemon answers
// there, which keeps the folder.
template <class Open>
[[nodiscard]] auto OpenWhenFree(const std::filesystem::path& folder, const Open& open)
    -> decltype(open()) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  for (;;) {
    auto opened = open();
    if (opened || opened.error().code != Code::kUnavailable ||
        std::chrono::steady_clock::now() > until || ControlClient::Connect(folder)) {
      return opened;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace countersign::net
