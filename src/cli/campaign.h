#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "cli/session.h"

// What commands for rollouts and for moves have in common: both go on by themselves for a long
// time, name agents page by page, and are watched.
namespace countersign::cli {

// kPageLen is how many names are asked for at once.
inline constexpr std::uint64_t kPageLen = 1'000;

// AllPages asks for page after page of "names" and returns the first answer with the names of all;
// a progress line says `what` is being read.
[[nodiscard]] Result<boost::json::object> AllPages(Session& session,
                                                   const boost::json::object& request,
                                                   std::string_view what);

// UnderWay returns the member `name` of a status: the campaign that goes on; nullptr if none does.
// Newest: that one, or the newest of those that ended ("earlier"). Both view into the status.
[[nodiscard]] const boost::json::object* UnderWay(const boost::json::object& status,
                                                  std::string_view name);
[[nodiscard]] const boost::json::object* Newest(const boost::json::object& status,
                                                std::string_view name);

// AddLine appends a line with a label, for people; nothing without a value.
void AddLine(std::string& text, std::string_view label, const std::string& value);

// Watch is how a campaign is followed.
struct Watch {
  std::function<Result<boost::json::object>()> look;          // the status now
  std::function<bool(const boost::json::object&)> goes_on;    // or it rests
  std::function<void(const boost::json::object&)> show = {};  // may be empty
  std::optional<Seconds> most = {};                           // how long at the most
};

// Follow looks every second until it rests, `most` is over or Ctrl-C is pressed, which then ends
// only the watching, and returns the last status. One at a time: it takes SIGINT meanwhile.
[[nodiscard]] Result<boost::json::object> Follow(boost::json::object status, const Watch& watch);

}  // namespace countersign::cli
