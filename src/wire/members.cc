#include "wire/members.h"

#include <bit>
#include <boost/json/serialize.hpp>
#include <utility>

#include "base/encoding.h"

namespace countersign::wire {

// More members than any list of the protocol has, and the width of `asked_`.
constexpr std::size_t kMaxMembers = 64;

const boost::json::value* Members::Find(std::string_view name) {
  const auto member = object_.find(name);
  if (member == object_.end()) {
    Refuse(name, "is missing");
    return nullptr;
  }
  const auto index = static_cast<std::size_t>(member - object_.begin());
  if (index >= kMaxMembers) {
    Refuse(name, "stands behind too many others");
    return nullptr;
  }
  asked_ |= std::uint64_t{1} << index;
  return &member->value();
}

const boost::json::string* Members::FindString(std::string_view name) {
  const boost::json::value* value = Find(name);
  if (value == nullptr) return nullptr;
  const boost::json::string* text = value->if_string();
  if (text == nullptr) Refuse(name, "is not a string");
  return text;
}

std::string_view Members::Text(std::string_view name) {
  const boost::json::string* text = FindString(name);
  if (text == nullptr) return {};
  return {text->data(), text->size()};
}

std::string Members::Printable(std::string_view name, std::size_t max_len) {
  const std::string_view text = Text(name);
  if (text.size() > max_len || !IsPrintableUtf8(text)) {
    Refuse(name, "is too long or not printable");
    return {};
  }
  return std::string(text);
}

std::uint64_t Members::Integer(std::string_view name, std::uint64_t min, std::uint64_t max) {
  const boost::json::value* value = Find(name);
  if (value == nullptr) return 0;
  const std::uint64_t* integer = value->if_uint64();
  if (integer == nullptr || *integer < min || *integer > max) {
    Refuse(name, "is not an integer in its range");
    return 0;
  }
  return *integer;
}

bool Members::Bool(std::string_view name) {
  const boost::json::value* value = Find(name);
  if (value == nullptr) return false;
  const bool* flag = value->if_bool();
  if (flag == nullptr) Refuse(name, "is not a boolean");
  return flag != nullptr && *flag;
}

std::array<std::uint8_t, 32> Members::Octets32(std::string_view name) {
  const auto octets = Base64UrlDecodeFixed<32>(Text(name));
  if (!octets) Refuse(name, "is not 32 octets in base64url");
  return octets.value_or(std::array<std::uint8_t, 32>{});
}

Token128 Members::Token(std::string_view name) {
  const auto token = Token128::Parse(Text(name));
  if (!token) Refuse(name, "is not 16 octets in base64url");
  return token.value_or(Token128());
}

std::optional<Token128> Members::TokenOrNull(std::string_view name) {
  const boost::json::value* value = Find(name);
  if (value == nullptr || value->is_null()) return std::nullopt;
  return Token(name);
}

Uuid Members::Urn(std::string_view name) {
  const auto id = Uuid::ParseUrn(Text(name));
  if (!id) Refuse(name, "is not urn:uuid: in lower case");
  return id.value_or(Uuid());
}

trust::Verdict Members::Verdict(std::string_view name) {
  const auto verdict = trust::ParseVerdict(Text(name));
  if (!verdict) Refuse(name, "is not a verdict");
  return verdict.value_or(trust::Verdict::kMalformed);
}

std::span<const boost::json::value> Members::Array(std::string_view name, std::size_t max_num) {
  const boost::json::value* value = Find(name);
  if (value == nullptr) return {};
  const boost::json::array* array = value->if_array();
  if (array == nullptr || array->size() > max_num) {
    Refuse(name, "is not an array, or too long a one");
    return {};
  }
  return {array->data(), array->size()};
}

const boost::json::object& Members::Object(std::string_view name) {
  static const boost::json::object kEmpty;
  const boost::json::value* value = Find(name);
  const boost::json::object* object = value == nullptr ? nullptr : value->if_object();
  if (object != nullptr) return *object;
  Refuse(name, "is not an object");
  return kEmpty;
}

std::string Members::ObjectText(std::string_view name, std::size_t max_len) {
  std::string text = boost::json::serialize(Object(name));
  if (text.size() <= max_len) return text;
  Refuse(name, "is too long");
  return {};
}

void Members::ExpectText(std::string_view name, std::string_view expected) {
  if (Text(name) != expected) Refuse(name, "is not what it has to be");
}

void Members::Refuse(std::string_view name, std::string_view why) {
  if (error_) return;
  error_ = Error{Code::kMalformed,
                 std::string(where_) + ": \"" + std::string(name) + "\" " + std::string(why)};
}

void Members::Adopt(Status inner) {
  if (!inner && !error_) error_ = std::move(inner).error();
}

Status Members::Finish() {
  if (error_) return std::unexpected(*std::move(error_));
  if (static_cast<std::size_t>(std::popcount(asked_)) != object_.size()) {
    return Fail(Code::kMalformed, std::string(where_) + ": has a member that is not on its list");
  }
  return {};
}

}  // namespace countersign::wire
