#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "trust/identity.h"
#include "trust/trust_state.h"

// How the tests read the files of vectors. Everything aborts on a file that is not of its form.
namespace countersign::vectors {

// VectorFile is one file, with the tables that its cases name things in.
class VectorFile {
 public:
  // `name` without folder and ".json".
  explicit VectorFile(std::string_view name);

  [[nodiscard]] const boost::json::array& Cases(std::string_view list = "cases") const;
  [[nodiscard]] const Bytes& Certificate(std::string_view name) const;
  [[nodiscard]] std::vector<Bytes> Bundle(const boost::json::array& names) const;
  [[nodiscard]] trust::TrustState State(std::string_view name) const;
  [[nodiscard]] const boost::json::object& json() const { return json_; }

 private:
  boost::json::object json_;
  std::map<std::string, Bytes, std::less<>> certificates_;
};

[[nodiscard]] std::string_view TextOf(const boost::json::value& value);
[[nodiscard]] std::uint64_t NumberOf(const boost::json::value& value);
[[nodiscard]] Digest DigestOf(const boost::json::value& value);      // base64url
[[nodiscard]] Bytes CertificateOf(const boost::json::value& value);  // base64
[[nodiscard]] Uuid UuidOf(const boost::json::value& value);          // URN
[[nodiscard]] trust::DistrustList DistrustOf(const boost::json::array& digests);

// Summary is `held` of a trust state: {x5t#S256, generation, owner, server}.
[[nodiscard]] boost::json::object Summary(const trust::TrustState& state);

}  // namespace countersign::vectors
