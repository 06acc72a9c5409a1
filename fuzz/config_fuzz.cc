#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/encoding.h"
#include "base/error.h"
#include "store/config.h"
#include "store/config_edit.h"

// Whatever is read is written so that it is read back to the same value; whatever is refused is
// refused in words that can be shown. An edited agent.toml says what it shall, with all comments.

namespace countersign {
namespace {

template <class T>
void RoundTrip(std::string_view text, Result<T> (*parse)(std::string_view),
               std::string (*format)(const T&)) {
  const Result<T> config = parse(text);
  if (!config) {
    Check(!config.error().message.empty() && IsPrintableUtf8(config.error().message),
          "a refusal can be printed");
    return;
  }
  const Result<T> again = parse(format(*config));
  Check(again.has_value() && *again == *config, "what is written is read back");
}

void Edit(std::string_view text) {
  const auto present = store::ParseAgentConfig(text);
  if (!present) return;
  store::AgentConfig wanted = *present;
  wanted.server_host = "new.example";
  wanted.http_port = 81;
  wanted.domain = "new";
  wanted.web_keys.clear();
  const auto edited = store::EditAgentConfig(text, wanted);
  if (!edited) return;
  const auto read = store::ParseAgentConfig(*edited);
  Check(read.has_value() && *read == wanted, "an edited file says what it shall");
  Check(store::IsEdited(text, *edited), "an edited file is known as such");
  const std::string values = present->server_host + present->listen + present->domain;
  if (values.find('#') != std::string::npos) return;
  Check(std::ranges::count(*edited, '#') == std::ranges::count(text, '#'), "no comment is lost");
}

}  // namespace
}  // namespace countersign

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace countersign::store;
  const std::string_view text = countersign::AsText({data, size});
  countersign::RoundTrip(text, ParseServerConfig, FormatServerConfig);
  countersign::RoundTrip(text, ParseAgentConfig, FormatAgentConfig);
  countersign::RoundTrip(text, ParsePackageConfig, FormatPackageConfig);
  countersign::Edit(text);
  return 0;
}
