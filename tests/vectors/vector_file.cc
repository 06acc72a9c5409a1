#include "tests/vectors/vector_file.h"

#include <set>

#include "base/encoding.h"
#include "tests/support/must.h"
#include "tests/vectors/json_text.h"

namespace countersign::vectors {
namespace {

namespace json = boost::json;

crypto::Certificate Parse(const Bytes& der) {
  return testing::Must(crypto::Certificate::Parse(der));
}

}  // namespace

VectorFile::VectorFile(std::string_view name)
    : json_(ReadJson(std::filesystem::path(COUNTERSIGN_VECTORS) / (std::string(name) + ".json"))
                .as_object()) {
  Check(TextOf(json_.at("format")) == "countersign vectors 1", "a file of vectors");
  if (!json_.contains("certificates") || !json_.at("certificates").is_object()) return;
  for (const auto& [certificate, der] : json_.at("certificates").as_object()) {
    certificates_.emplace(certificate, CertificateOf(der));
  }
}

const json::array& VectorFile::Cases(std::string_view list) const {
  return json_.at(list).as_array();
}

const Bytes& VectorFile::Certificate(std::string_view name) const {
  const auto at = certificates_.find(name);
  Check(at != certificates_.end(), name);
  return at->second;
}

std::vector<Bytes> VectorFile::Bundle(const json::array& names) const {
  std::vector<Bytes> bundle;
  for (const auto& name : names) bundle.push_back(Certificate(TextOf(name)));
  return bundle;
}

trust::TrustState VectorFile::State(std::string_view name) const {
  const json::object& from = json_.at("states").at(name).as_object();
  trust::TrustState state{.certificate = Parse(Certificate(TextOf(from.at("certificate")))),
                          .bundle = {},
                          .owner = DigestOf(from.at("owner")),
                          .server = UuidOf(from.at("server")),
                          .generation = 0,
                          .highest = {}};
  for (const Bytes& der : Bundle(from.at("bundle").as_array())) state.bundle.push_back(Parse(der));
  for (const auto& entry : from.at("highest").as_array()) {
    state.highest.push_back({.server = UuidOf(entry.at("server")),
                             .generation = NumberOf(entry.at("generation")),
                             .thumbprint = DigestOf(entry.at("x5t#S256"))});
  }
  state.generation = state.FindHighest(state.server)->generation;
  // What the file says must be a state that an agent can have.
  Check(trust::ParseTrustState(trust::EncodeTrustState(state)).has_value(), name);
  return state;
}

std::string_view TextOf(const json::value& value) {
  const json::string& text = value.as_string();
  return {text.data(), text.size()};
}

std::uint64_t NumberOf(const json::value& value) { return value.to_number<std::uint64_t>(); }

Digest DigestOf(const json::value& value) {
  return testing::Must(Base64UrlDecodeFixed<32>(TextOf(value)));
}

Bytes CertificateOf(const json::value& value) { return testing::Must(Base64Decode(TextOf(value))); }

Uuid UuidOf(const json::value& value) { return testing::Must(Uuid::ParseUrn(TextOf(value))); }

trust::DistrustList DistrustOf(const json::array& digests) {
  std::set<Digest> entries;
  for (const auto& digest : digests) entries.insert(DigestOf(digest));
  return trust::DistrustList(std::move(entries));
}

json::object Summary(const trust::TrustState& state) {
  json::object held;
  held["x5t#S256"] = Base64UrlEncode(state.certificate.thumbprint());
  held["generation"] = state.generation;
  held["owner"] = Base64UrlEncode(state.owner);
  held["server"] = state.server.Urn();
  return held;
}

}  // namespace countersign::vectors
