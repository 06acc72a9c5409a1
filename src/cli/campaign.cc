#include "cli/campaign.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <utility>

#include "cli/output.h"
#include "cli/progress.h"

namespace countersign::cli {
namespace {

using std::chrono::steady_clock;

constexpr auto kLookAgain = std::chrono::seconds(1);
constexpr auto kSliceOfSecond = std::chrono::milliseconds(100);

volatile std::sig_atomic_t interrupted = 0;

// UntilInterrupted takes Ctrl-C for the end of watching as long as it lives.
class UntilInterrupted {
 public:
  UntilInterrupted() {
    interrupted = 0;
    before_ = std::signal(SIGINT, [](int) { interrupted = 1; });
  }
  UntilInterrupted(const UntilInterrupted&) = delete;
  UntilInterrupted& operator=(const UntilInterrupted&) = delete;
  ~UntilInterrupted() {
    if (before_ != SIG_ERR) std::signal(SIGINT, before_);
  }
  [[nodiscard]] static bool IsOver() { return interrupted != 0; }

 private:
  void (*before_)(int) = SIG_DFL;
};

// Sleeps until the next look, or until Ctrl-C.
void Pause() {
  const auto until = steady_clock::now() + kLookAgain;
  while (!UntilInterrupted::IsOver() && steady_clock::now() < until) {
    std::this_thread::sleep_for(kSliceOfSecond);
  }
}

}  // namespace

Result<boost::json::object> AllPages(Session& session, const boost::json::object& request,
                                     std::string_view what) {
  boost::json::object all;
  boost::json::array names;
  const Progress progress("reading " + std::string(what));
  std::string after;
  do {
    server::AdminMessage message;
    message.json = request;
    message.json["after"] = after;
    auto page = session.Call(std::move(message));
    if (!page) return std::unexpected(std::move(page).error());
    for (const auto& name : List(page->json, "names")) names.push_back(name);
    after = Text(page->json, "next_after");
    if (all.empty()) all = std::move(page->json);
  } while (!after.empty());
  all.erase("next_after");
  all["names"] = std::move(names);
  return all;
}

const boost::json::object* UnderWay(const boost::json::object& status, std::string_view name) {
  const auto* const campaign = status.if_contains(name);
  return campaign != nullptr && campaign->is_object() ? &campaign->get_object() : nullptr;
}

const boost::json::object* Newest(const boost::json::object& status, std::string_view name) {
  if (const auto* const campaign = UnderWay(status, name)) return campaign;
  const auto& earlier = List(status, "earlier");
  return earlier.empty() || !earlier.front().is_object() ? nullptr : &earlier.front().get_object();
}

void AddLine(std::string& text, std::string_view label, const std::string& value) {
  if (value.empty()) return;
  std::string padded(label);
  padded.resize(std::max<std::size_t>(padded.size(), 16), ' ');
  text += "  " + padded + value + "\n";
}

Result<boost::json::object> Follow(boost::json::object status, const Watch& watch) {
  const UntilInterrupted guard;
  const auto begun = steady_clock::now();
  const auto is_over = [&] {
    return UntilInterrupted::IsOver() || (watch.most && steady_clock::now() >= begun + *watch.most);
  };
  while (watch.goes_on(status) && !is_over()) {
    if (watch.show) watch.show(status);
    Pause();
    auto next = watch.look();
    if (!next) return next;
    status = *std::move(next);
  }
  return status;
}

}  // namespace countersign::cli
