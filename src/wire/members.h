#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "trust/verdict.h"

namespace countersign::wire {

// Members takes one JSON object apart against a closed list: the names that are asked for. As with
// base Reader, the first thing wrong is remembered, every read after it returns an empty value, and
// the one answer comes from Finish(): kMalformed if a member was missing, of the wrong type or out
// of its range, or if a member was there that nobody asked for. Null is a wrong type: an optional
// member is asked for by Has() first. Views live as long as the object. Private to wire/.
class Members {
 public:
  // `where` names the object for people: "order header". Both must outlive this reader.
  Members(const boost::json::object& object, std::string_view where)
      : object_(object), where_(where) {}

  [[nodiscard]] bool Has(std::string_view name) const { return object_.contains(name); }
  [[nodiscard]] std::string_view Text(std::string_view name);
  // Printable: a text of people (IsPrintableUtf8) of at most `max_len` octets.
  [[nodiscard]] std::string Printable(std::string_view name, std::size_t max_len);
  [[nodiscard]] std::uint64_t Integer(std::string_view name, std::uint64_t min, std::uint64_t max);
  [[nodiscard]] bool Bool(std::string_view name);
  [[nodiscard]] std::array<std::uint8_t, 32> Octets32(std::string_view name);
  [[nodiscard]] Token128 Token(std::string_view name);
  [[nodiscard]] std::optional<Token128> TokenOrNull(std::string_view name);
  [[nodiscard]] Uuid Urn(std::string_view name);
  [[nodiscard]] trust::Verdict Verdict(std::string_view name);
  [[nodiscard]] std::span<const boost::json::value> Array(std::string_view name,
                                                          std::size_t max_num);
  // Object returns an empty object if it fails.
  [[nodiscard]] const boost::json::object& Object(std::string_view name);
  // ObjectText is an object as compact JSON.
  [[nodiscard]] std::string ObjectText(std::string_view name, std::size_t max_len);
  void ExpectText(std::string_view name, std::string_view expected);
  void Ignore(std::string_view name) {
    (void)Find(name);
  }  // judged elsewhere, but it has to be there

  // Refuse records a reason of the caller's own, Adopt that of a reader of an inner object.
  void Refuse(std::string_view name, std::string_view why);
  void Adopt(Status inner);
  [[nodiscard]] Status Finish();

 private:
  const boost::json::value* Find(std::string_view name);
  const boost::json::string* FindString(std::string_view name);

  const boost::json::object& object_;
  std::string_view where_;
  std::uint64_t asked_ = 0;  // bit n: the object's member n was asked for
  std::optional<Error> error_;
};

}  // namespace countersign::wire
