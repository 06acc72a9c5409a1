#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <optional>
#include <string>

#include "tests/vectors/message_maker.h"

namespace countersign::vectors {

// OrderCases collects the cases of orders.json. Each takes the order that passes, changed by
// `change`.
class OrderCases {
 public:
  explicit OrderCases(Fleet& fleet) : fleet_(fleet) {}

  void Begins(std::string_view name, const MessageChange& change, const Context& context = {},
              const std::string& state_after = "");
  void BeginsText(std::string_view name, const std::string& order, const Context& context = {},
                  const std::string& state_after = "");
  // Refused by steps 1 to 6: no challenge is used up, nothing moves.
  void Refused(std::string_view verdict, std::string_view name, const MessageChange& change,
               const Context& context = {});
  void RefusedText(std::string_view verdict, std::string_view name, const std::string& order,
                   const Context& context = {});
  // Refused by steps 7 and 8.
  void Answered(std::string_view verdict, std::string_view name, const MessageChange& change,
                const Context& context, const std::string& state_after = "",
                std::optional<boost::json::object> earlier = {});

  [[nodiscard]] Fleet& fleet() { return fleet_; }
  [[nodiscard]] std::string Make(const MessageChange& change) const;
  [[nodiscard]] boost::json::array Take() { return std::move(cases_); }

 private:
  void Add(std::string_view name, const Context& context, const std::string& order,
           boost::json::object expect);

  Fleet& fleet_;
  boost::json::array cases_;
};

void AddMalformedOrders(OrderCases& cases);   // step 1
void AddJudgedOrders(OrderCases& cases);      // steps 2 to 7
void AddRememberedOrders(OrderCases& cases);  // step 8

}  // namespace countersign::vectors
