#include "daemon/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <string>

#include "base/process.h"
#include "base/time.h"

namespace countersign::daemon {
namespace {

constexpr std::size_t kMaxLine = 4'096;

// Untrusted text reaches the log: nothing in it may look like a line of its own.
std::string OneLine(std::string_view text) {
  std::string line;
  for (const char c : text.substr(0, kMaxLine)) {
    const auto octet = static_cast<unsigned char>(c);
    line += octet < 0x20 || octet == 0x7f ? ' ' : c;
  }
  return line;
}

class SpdLog final : public Log {
 public:
  explicit SpdLog(LogForm form)
      : json_(form == LogForm::kJson),
        journal_(!GetEnvironment("JOURNAL_STREAM").empty()),
        logger_("countersign", std::make_shared<spdlog::sinks::stderr_sink_st>()) {
    logger_.set_level(spdlog::level::info);
    logger_.set_pattern(json_ || journal_ ? "%v" : "%Y-%m-%dT%H:%M:%SZ %l %v",
                        spdlog::pattern_time_type::utc);
    logger_.flush_on(spdlog::level::info);
  }

  void Write(LogLevel level, std::string_view text) override {
    struct Form {
      spdlog::level::level_enum level;
      std::string_view name;
      std::string_view journal;  // sd-daemon(3)
    };
    static constexpr std::array<Form, 4> kForms = {{{spdlog::level::debug, "debug", "<7>"},
                                                    {spdlog::level::info, "info", "<6>"},
                                                    {spdlog::level::warn, "warning", "<4>"},
                                                    {spdlog::level::err, "error", "<3>"}}};
    const Form& form = kForms.at(static_cast<std::size_t>(level));
    if (json_) {
      const boost::json::object line = {
          {"time", FormatUtc(ReadClocks().wall)}, {"level", form.name}, {"text", text}};
      logger_.log(form.level, "{}", boost::json::serialize(line));
    } else {
      logger_.log(form.level, "{}{}", journal_ ? form.journal : "", OneLine(text));
    }
  }

 private:
  bool json_;
  bool journal_;
  spdlog::logger logger_;
};

}  // namespace

std::unique_ptr<Log> MakeLog(LogForm form) { return std::make_unique<SpdLog>(form); }

}  // namespace countersign::daemon
