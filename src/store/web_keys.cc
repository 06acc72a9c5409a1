#include "store/web_keys.h"

#include "base/encoding.h"
#include "base/files.h"
#include "store/config.h"

namespace countersign::store {
namespace {

constexpr std::string_view kFileName = "web-keys";
constexpr std::size_t kMaxFileLen = 1'024;

std::unexpected<Error> Malformed() {
  return Fail(Code::kMalformed, "not a list of a web host's keys");
}

}  // namespace

// One line each: the server, then its keys.
Result<WebKeys> ParseWebKeys(std::string_view text) {
  WebKeys keys;
  bool is_first = true;
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return Malformed();
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (is_first) {
      const auto server = Uuid::ParseUrn(line);
      if (!server) return Malformed();
      keys.server = *server;
      is_first = false;
      continue;
    }
    const auto key = Base64UrlDecodeFixed<sizeof(Digest)>(line);
    if (!key || keys.keys.size() == kMaxWebKeys) return Malformed();
    keys.keys.push_back(*key);
  }
  if (is_first) return Malformed();
  return keys;
}

std::string FormatWebKeys(const WebKeys& keys) {
  std::string text = keys.server.Urn() + "\n";
  for (const Digest& key : keys.keys) text += Base64UrlEncode(key) + "\n";
  return text;
}

Result<WebKeys> LoadWebKeys(const std::filesystem::path& folder) {
  const auto text = ReadFile(folder / kFileName, kMaxFileLen);
  if (!text) return std::unexpected(text.error());
  return ParseWebKeys(AsText(*text));
}

Status StoreWebKeys(const std::filesystem::path& folder, const WebKeys& keys) {
  return WriteFileAtomically(folder / kFileName, AsBytes(FormatWebKeys(keys)), FileMode::kPrivate);
}

}  // namespace countersign::store
