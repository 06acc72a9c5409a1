#include "wire/json.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_stack.hpp>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>

#include "wire/messages.h"

namespace countersign::wire {
namespace {

namespace json = boost::json;

// Handler builds a value from the parser's events and refuses what plain JSON would allow.
class Handler {
 public:
  // Required by basic_parser. The size of the message bounds the other three.
  static constexpr std::size_t max_object_size = kMaxJsonMembers;
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);

  Handler(json::storage_ptr storage, std::size_t depth)
      : stack_(json::storage_ptr(), scratch_.data(), scratch_.size()), depth_(depth - 1) {
    stack_.reset(std::move(storage));
  }

  [[nodiscard]] json::value Take() { return stack_.release(); }
  [[nodiscard]] std::size_t num_members() const { return num_members_; }
  [[nodiscard]] const char* problem() const { return problem_; }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code& ec) { return Enter(ec); }
  bool on_object_end(std::size_t num, json::error_code&) {
    --depth_;
    stack_.push_object(num);
    return true;
  }
  bool on_array_begin(json::error_code& ec) { return Enter(ec); }
  bool on_array_end(std::size_t num, json::error_code&) {
    --depth_;
    stack_.push_array(num);
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    stack_.push_chars(part);
    return true;
  }
  bool on_key(json::string_view part, std::size_t, json::error_code&) {
    ++num_members_;
    stack_.push_key(part);
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    stack_.push_chars(part);
    return true;
  }
  bool on_string(json::string_view part, std::size_t, json::error_code& ec) {
    if (!Leaf(ec)) return false;
    stack_.push_string(part);
    return true;
  }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t value, json::string_view text, json::error_code& ec) {
    return Integer(static_cast<std::uint64_t>(value), text, ec);
  }
  bool on_uint64(std::uint64_t value, json::string_view text, json::error_code& ec) {
    return Integer(value, text, ec);
  }
  bool on_double(double, json::string_view, json::error_code& ec) { return RefuseNumber(ec); }
  bool on_bool(bool value, json::error_code& ec) {
    if (!Leaf(ec)) return false;
    stack_.push_bool(value);
    return true;
  }
  bool on_null(json::error_code& ec) {
    if (!Leaf(ec)) return false;
    stack_.push_null();
    return true;
  }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  bool Refuse(const char* problem, json::error_code& ec) {
    problem_ = problem;
    ec = json::make_error_code(json::error::syntax);
    return false;
  }
  bool RefuseNumber(json::error_code& ec) {
    return Refuse("a number that is not a plain decimal integer up to 2^53-1", ec);
  }
  bool Enter(json::error_code& ec) {
    return ++depth_ <= kMaxJsonDepth || Refuse("nested deeper than 8", ec);
  }
  bool Leaf(json::error_code& ec) {
    return depth_ < kMaxJsonDepth || Refuse("nested deeper than 8", ec);
  }
  bool Integer(std::uint64_t value, json::string_view text, json::error_code& ec) {
    // The raw text decides: `-0` and `1e2` have harmless values.
    const bool plain =
        std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!plain || value > kMaxInteger) return RefuseNumber(ec);
    if (!Leaf(ec)) return false;
    stack_.push_uint64(value);
    return true;
  }

  std::array<unsigned char, 2048> scratch_;
  json::value_stack stack_;
  std::size_t depth_;
  std::size_t num_members_ = 0;
  const char* problem_ = nullptr;
};

// CountMembers counts the members of all objects within a value. Recursion is bounded by the depth.
std::size_t CountMembers(const json::value& value) {
  std::size_t num = 0;
  if (const auto* array = value.if_array()) {
    for (const json::value& element : *array) num += CountMembers(element);
  } else if (const auto* object = value.if_object()) {
    num = object->size();
    for (const auto& member : *object) num += CountMembers(member.value());
  }
  return num;
}

Result<json::object> Parse(std::string_view text, json::storage_ptr storage, std::size_t depth) {
  json::basic_parser<Handler> parser(json::parse_options(), std::move(storage), depth);
  json::error_code ec;
  const std::size_t num_read = parser.write_some(false, text.data(), text.size(), ec);
  if (parser.handler().problem() != nullptr) {
    return Fail(Code::kMalformed, std::string("JSON with ") + parser.handler().problem());
  }
  if (ec) return Fail(Code::kMalformed, "not valid JSON: " + ec.message());
  if (num_read != text.size())
    return Fail(Code::kMalformed, "something stands after the JSON object");
  json::value value = parser.handler().Take();
  // Boost keeps the last of equal names and drops the others with all that they hold: fewer members
  // arrive than were read.
  if (CountMembers(value) != parser.handler().num_members()) {
    return Fail(Code::kMalformed, "JSON with a duplicate member");
  }
  return std::move(value.as_object());
}

}  // namespace

Result<boost::json::object> ParseJsonObject(std::string_view text, boost::json::storage_ptr storage,
                                            std::size_t depth) {
  // White space around the object is refused too: no writer of these messages makes any.
  if (text.empty() || text.front() != '{' || text.back() != '}') {
    return Fail(Code::kMalformed, "not exactly one JSON object");
  }
  try {
    return Parse(text, std::move(storage), depth);
  } catch (const std::exception& e) {
    return Fail(Code::kExhausted, std::string("JSON does not fit in memory: ") + e.what());
  }
}

}  // namespace countersign::wire
