#pragma once

#include <optional>

#include "base/random.h"
#include "base/time.h"

namespace countersign::agent {

// PollPlan says for how long the agent's next report waits for its answer (`?wait=`, protocol
// section 6), and when the one after it is made. The server asks for it in each verified reply; one
// that asks for nothing, and every failure, ends it. Two things keep the agent from doing harm, or
// a server from making it do so: answers that come early without anything in them put the next
// report off, twice as long each time; and where a long wait breaks off on its way, the next ones
// are half as long for a while. Pure; not thread-safe.
class PollPlan {
 public:
  static constexpr Seconds kLongest = Seconds(240);
  static constexpr Seconds kShortest = Seconds(15);  // that halving goes down to
  static constexpr Uptime kHalvedFor = std::chrono::hours(6);

  // Begin is for the report that is made now: seconds to wait, 0: none. kNo: somebody waits for its
  // answer here.
  enum class Wait { kNo, kMay };
  [[nodiscard]] Seconds Begin(Uptime now, Wait wait = Wait::kMay);
  // current is what Begin said last.
  [[nodiscard]] Seconds current() const { return current_; }
  // Answered: a verified reply came, which asks to wait for `told` (0: not) and `brings` something.
  // Returns in what time to report again; nothing: at the usual interval.
  [[nodiscard]] std::optional<Uptime> Answered(Seconds told, bool brings, Uptime now,
                                               RandomSource& random);
  // Recalled: it was given up for another report, which does not wait.
  void Recalled() { current_ = Seconds(0); }
  // Failed: no reply came, or none that was verified.
  void Failed(Uptime now);

 private:
  Seconds told_{};     // by the newest verified reply
  Seconds current_{};  // of the report under way
  Uptime began_{};
  Seconds most_ = kLongest;
  Uptime halved_until_{};
  unsigned early_ = 0;  // answers in a row that came early, and brought nothing
};

}  // namespace countersign::agent
