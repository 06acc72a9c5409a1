#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace countersign::cli {

// Screen is where progress is shown: standard error, or what a test puts in its place.
struct Screen {
  bool is_terminal = false;
  std::function<void(std::string_view)> write;
  std::function<std::chrono::milliseconds()> now;  // of a clock that only goes on
};
[[nodiscard]] Screen ErrorScreen();

// ProgressBar is "[######..................] 250/1000". REQUIRES: total > 0.
[[nodiscard]] std::string ProgressBar(std::uint64_t done, std::uint64_t total);

// ProgressLine is one line on a terminal that says what is being done, for how long, and, where the
// total is known, how far it is. It appears after kQuiet, and cleans itself up; on anything but a
// terminal it never writes. Thread-safe; shows itself only when Tick or Show is called.
class ProgressLine {
 public:
  static constexpr std::chrono::milliseconds kQuiet{2'000};
  static constexpr std::size_t kWidth = 79;  // columns that it may fill

  ProgressLine(std::string what, Screen screen);
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() { Clear(); }

  // Advance says how much is done; a total of 0 is an unknown one.
  void Advance(std::uint64_t done, std::uint64_t total);
  void Tick();
  // Show puts `text` in the place of what Tick shows, at once.
  void Show(std::string_view text);
  // Clear removes the line; a later Tick shows it again.
  void Clear();

 private:
  [[nodiscard]] std::string Text(std::chrono::milliseconds elapsed) const;
  void Draw(std::string_view text);

  std::mutex mutex_;  // guards all below but what never changes
  const std::string what_;
  const Screen screen_;
  const std::chrono::milliseconds begun_;
  std::uint64_t done_ = 0;
  std::uint64_t total_ = 0;
  std::size_t shown_ = 0;  // columns on the screen now
};

// Progress is a ProgressLine with a thread that keeps it going while this one waits.
class Progress {
 public:
  explicit Progress(std::string what) : Progress(std::move(what), ErrorScreen()) {}
  Progress(std::string what, Screen screen);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  void Advance(std::uint64_t done, std::uint64_t total) { line_.Advance(done, total); }

 private:
  ProgressLine line_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread ticker_;  // last: ends before what it uses
};

}  // namespace countersign::cli
