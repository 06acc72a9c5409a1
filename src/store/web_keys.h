#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/ids.h"

// Which keys the web host of an agent's server shows over HTTPS, as its verified replies said last:
// the file `web-keys` beside agent.toml. Settings, not trust: nothing is obeyed because of them,
// they only tell the agent whether what is secret may come over a connection.
namespace countersign::store {

struct WebKeys {
  ServerId server;           // whose they are: of another server they count for nothing
  std::vector<Digest> keys;  // at most kMaxWebKeys
  bool operator==(const WebKeys&) const = default;
};

// ParseWebKeys: kMalformed for anything but what FormatWebKeys writes.
[[nodiscard]] Result<WebKeys> ParseWebKeys(std::string_view text);
[[nodiscard]] std::string FormatWebKeys(const WebKeys& keys);

// LoadWebKeys: kNotFound if there is no file yet.
[[nodiscard]] Result<WebKeys> LoadWebKeys(const std::filesystem::path& folder);
[[nodiscard]] Status StoreWebKeys(const std::filesystem::path& folder, const WebKeys& keys);

}  // namespace countersign::store
