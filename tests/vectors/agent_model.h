#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <set>
#include <string>

#include "tests/vectors/vector_file.h"
#include "trust/order_memory.h"
#include "wire/judge.h"

namespace countersign::vectors {

// AgentModel is an agent in the state that a case of orders.json or replies.json describes, made
// from the real parts: it answers steps 1 to 8 and remembers what it would have to.
class AgentModel {
 public:
  AgentModel(const VectorFile& file, const boost::json::object& one);

  // Both return what the case's "expect" has to be.
  [[nodiscard]] boost::json::object TakeOrder(std::string_view order);
  [[nodiscard]] boost::json::object TakeReply(std::string_view reply);

 private:
  void Remember(const boost::json::array& entries);
  void FillShare();
  [[nodiscard]] boost::json::object Told(std::string_view verdict) const;
  // Uses the challenge up and commits trust, if step 6 was passed.
  void Take(const wire::Judgement& judgement);
  [[nodiscard]] wire::Judge judge() const;
  [[nodiscard]] boost::json::object Record(const wire::Order& order);
  [[nodiscard]] boost::json::object TakeOrderOf(const wire::Reply& reply, std::string_view text);

  trust::TrustState held_;
  trust::DistrustList distrust_;
  AgentId self_;
  Instant clock_;
  std::set<std::string, std::less<>> challenges_;
  trust::OrderMemory memory_;
  std::string room_;
  bool challenge_used_ = false;
};

}  // namespace countersign::vectors
