#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>

#include "tests/vectors/message_maker.h"

namespace countersign::vectors {

// A `held` of plausible values.
[[nodiscard]] boost::json::object SampleHeld(const World& world);

// AgentMessageCases collects cases of what a server reads: receipts or reports.
class AgentMessageCases {
 public:
  // `member`: what the message is called in a case; `good`: a message that is valid.
  AgentMessageCases(const World& world, std::string member, Message good)
      : world_(world), member_(std::move(member)), good_(std::move(good)) {}

  void Valid(std::string_view name, const MessageChange& change);
  void Malformed(std::string_view name, const MessageChange& change);
  // A member of the payload with another value.
  void MalformedMember(std::string_view name, std::string_view member,
                       const boost::json::value& value);
  void BadSignature(std::string_view name, const MessageChange& change);
  [[nodiscard]] boost::json::array Take() { return std::move(cases_); }

 private:
  Message Add(std::string_view name, std::string_view expect, const MessageChange& change);

  const World& world_;
  std::string member_;
  Message good_;
  boost::json::array cases_;
};

}  // namespace countersign::vectors
