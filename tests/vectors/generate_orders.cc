#include "base/encoding.h"
#include "crypto/hash.h"
#include "tests/vectors/generate.h"
#include "tests/vectors/order_cases.h"

namespace countersign::vectors {

namespace json = boost::json;

namespace {

Digest HashOf(const std::string& order) {
  const std::size_t dot = order.rfind('.');
  return crypto::Sha256(AsBytes(std::string_view(order).substr(0, dot)));
}

}  // namespace

void OrderCases::Add(std::string_view name, const Context& context, const std::string& order,
                     json::object expect) {
  json::object one;
  one["name"] = name;
  for (auto& [member, value] : fleet_.ContextJson(context)) one[member] = value;
  one["order"] = order;
  one["oh"] = Text(HashOf(order));
  one["expect"] = std::move(expect);
  cases_.push_back(std::move(one));
}

void OrderCases::Begins(std::string_view name, const MessageChange& change, const Context& context,
                        const std::string& state_after) {
  BeginsText(name, Make(change), context, state_after);
}

void OrderCases::BeginsText(std::string_view name, const std::string& order, const Context& context,
                            const std::string& state_after) {
  json::object expect;
  expect["verdict"] = "begins";
  expect["challenge_used"] = true;
  expect["held"] = fleet_.Held(state_after.empty() ? context.state : state_after);
  Add(name, context, order, std::move(expect));
}

void OrderCases::Refused(std::string_view verdict, std::string_view name,
                         const MessageChange& change, const Context& context) {
  RefusedText(verdict, name, Make(change), context);
}

void OrderCases::RefusedText(std::string_view verdict, std::string_view name,
                             const std::string& order, const Context& context) {
  json::object expect;
  expect["verdict"] = verdict;
  expect["challenge_used"] = false;
  expect["held"] = fleet_.Held(context.state);
  Add(name, context, order, std::move(expect));
}

void OrderCases::Answered(std::string_view verdict, std::string_view name,
                          const MessageChange& change, const Context& context,
                          const std::string& state_after, std::optional<json::object> earlier) {
  json::object expect;
  expect["verdict"] = verdict;
  if (earlier) expect["earlier"] = *std::move(earlier);
  expect["challenge_used"] = true;
  expect["held"] = fleet_.Held(state_after.empty() ? context.state : state_after);
  Add(name, context, Make(change), std::move(expect));
}

std::string OrderCases::Make(const MessageChange& change) const {
  Message order = fleet_.Order();
  if (change) change(order);
  return order.Sign(fleet_.world());
}

json::object MakeOrders(const World& world) {
  json::object file = NewFile(
      "How an agent answers an order: steps 1 to 8 (protocol section 5). \"begins\" means that all "
      "eight were passed.");
  Fleet fleet(world);
  OrderCases cases(fleet);
  AddMalformedOrders(cases);
  AddJudgedOrders(cases);
  AddRememberedOrders(cases);
  fleet.Finish(file);
  file["cases"] = cases.Take();
  return file;
}

}  // namespace countersign::vectors
