#include "cli/progress.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/terminal.h"
#include "base/time.h"

namespace countersign::cli {
namespace {

constexpr auto kStep = std::chrono::milliseconds(250);
constexpr std::uint64_t kBarLen = 24;

}  // namespace

std::string ProgressBar(std::uint64_t done, std::uint64_t total) {
  const std::uint64_t part = std::min(done, total);
  const auto filled = static_cast<std::size_t>(part * kBarLen / total);
  return "[" + std::string(filled, '#') + std::string(kBarLen - filled, '.') + "] " +
         std::to_string(part) + "/" + std::to_string(total);
}

Screen ErrorScreen() {
  return {.is_terminal = ErrorIsTerminal(),
          .write =
              [](std::string_view text) {
                std::fwrite(text.data(), 1, text.size(), stderr);
                std::fflush(stderr);
              },
          .now =
              [] {
                return std::chrono::duration_cast<std::chrono::milliseconds>(
                    std::chrono::steady_clock::now().time_since_epoch());
              }};
}

ProgressLine::ProgressLine(std::string what, Screen screen)
    : what_(std::move(what)), screen_(std::move(screen)), begun_(screen_.now()) {}

void ProgressLine::Advance(std::uint64_t done, std::uint64_t total) {
  const std::scoped_lock lock(mutex_);
  done_ = done;
  total_ = total;
}

std::string ProgressLine::Text(std::chrono::milliseconds elapsed) const {
  std::string text = what_ + " ... ";
  if (total_ > 0) text += ProgressBar(done_, total_) + " ";
  text += FormatDuration(std::chrono::duration_cast<Seconds>(elapsed));
  return text;
}

void ProgressLine::Draw(std::string_view text) {
  text = text.substr(0, kWidth);
  // Blanks, not an escape sequence: every terminal knows them.
  screen_.write("\r" + std::string(text) +
                std::string(shown_ - std::min(shown_, text.size()), ' '));
  shown_ = text.size();
}

void ProgressLine::Show(std::string_view text) {
  if (!screen_.is_terminal) return;
  const std::scoped_lock lock(mutex_);
  Draw(text);
}

void ProgressLine::Tick() {
  if (!screen_.is_terminal) return;
  const std::scoped_lock lock(mutex_);
  const auto elapsed = screen_.now() - begun_;
  if (elapsed < kQuiet) return;
  Draw(Text(elapsed));
}

void ProgressLine::Clear() {
  const std::scoped_lock lock(mutex_);
  if (shown_ == 0) return;
  screen_.write("\r" + std::string(shown_, ' ') + "\r");
  shown_ = 0;
}

Progress::Progress(std::string what, Screen screen)
    : line_(std::move(what), std::move(screen)), ticker_([this](const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        while (!wake_.wait_for(lock, stop, kStep, [&] { return stop.stop_requested(); })) {
          line_.Tick();
        }
      }) {}

Progress::~Progress() {
  ticker_.request_stop();
  ticker_.join();
}

}  // namespace countersign::cli
