#include "tests/vectors/world.h"

#include <algorithm>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "tests/support/must.h"
#include "tests/vectors/json_text.h"

namespace countersign::vectors {
namespace {

using crypto::Certificate;
using crypto::CertificateRequest;
using testing::Must;

constexpr std::int64_t kNotBefore = 1'767'225'600;  // 2026-01-01
constexpr std::int64_t kNotAfter = 1'861'920'000;   // 2029-01-01

// A serial number that follows from what it is for, so that only signatures differ between runs.
std::array<std::uint8_t, 16> SerialFor(std::string_view what, std::uint64_t generation) {
  const Digest digest = crypto::Sha256(AsBytes(std::string(what) + std::to_string(generation)));
  std::array<std::uint8_t, 16> serial{};
  std::copy_n(digest.begin(), serial.size(), serial.begin());
  return serial;
}

Certificate IssueOwner(const crypto::PrivateKey& key) {
  CertificateRequest request;
  request.role = CertificateRequest::Role::kOwner;
  request.common_name = "Countersign owner";
  request.not_before = FromUnix(kNotBefore);
  request.serial_random = SerialFor("owner", 1);
  return Must(IssueCertificate(request, key.public_key(), key, nullptr));
}

}  // namespace

World::World(const std::filesystem::path& keys_file) {
  const boost::json::value file = ReadJson(keys_file);
  for (const auto& [name, text] : file.at("keys").as_object()) {
    const Bytes der = Must(Base64Decode(std::string_view(text.as_string())));
    keys_.emplace(name, Must(crypto::PrivateKey::FromPkcs8(SecretBytes(ByteView(der)))));
  }
  for (const auto& [name, text] : file.at("refused_public_keys").as_object()) {
    refused_public_keys_.emplace(name, Must(Base64Decode(std::string_view(text.as_string()))));
  }
}

const crypto::PrivateKey& World::Key(std::string_view name) const {
  const auto at = keys_.find(name);
  Check(at != keys_.end(), name);
  return at->second;
}

Digest World::KeyDigest(std::string_view name) const { return Key(name).public_key().digest(); }

ServerId World::server_id() const {
  return Must(ServerId::ParseText("6f1d6c1e-8f3a-4d0e-9a53-0c2b7f5e1a01"));
}

ServerId World::other_server_id() const {
  return Must(ServerId::ParseText("a2b94d70-51c8-4e6b-8f1d-3d9e6c7b8a02"));
}

Uuid World::IdOf(std::string_view key) const { return Uuid::FromDigest(KeyDigest(key)); }

Bytes World::Owner(std::string_view key) const { return IssueOwner(Key(key)).der(); }

Bytes World::Server(std::string_view key, std::string_view owner, std::uint64_t generation,
                    std::vector<ServerId> ids) const {
  CertificateRequest request;
  request.common_name = "OfficeScan Server NTSG";
  request.generation = generation;
  request.server_ids = ids.empty() ? std::vector{server_id()} : std::move(ids);
  request.not_before = FromUnix(kNotBefore);
  request.not_after = FromUnix(kNotAfter);
  request.serial_random = SerialFor(key, generation);
  const Certificate issuer = IssueOwner(Key(owner));
  return Must(IssueCertificate(request, Key(key).public_key(), Key(owner), &issuer)).der();
}

Bytes World::Succession(std::string_view to, std::string_view from,
                        std::vector<ServerId> ids) const {
  CertificateRequest request;
  request.role = CertificateRequest::Role::kSuccession;
  request.common_name = "Countersign owner";
  request.server_ids = ids.empty() ? std::vector{server_id()} : std::move(ids);
  request.not_before = FromUnix(kNotBefore);
  request.serial_random = SerialFor(to, 2);
  const Certificate issuer = IssueOwner(Key(from));
  return Must(IssueCertificate(request, Key(to).public_key(), Key(from), &issuer)).der();
}

testing::ForgedCertificate World::ServerForm(std::string_view owner,
                                             std::uint64_t generation) const {
  testing::ForgedCertificate form;
  form.subject = {{"CN", "OfficeScan Server NTSG"}, {"dnQualifier", std::to_string(generation)}};
  form.not_before = FromUnix(kNotBefore);
  form.not_after = FromUnix(kNotAfter);
  form.authority_key_id = ToBytes(ByteView(KeyDigest(owner)));
  form.uris = {server_id().Urn()};
  return form;
}

testing::ForgedCertificate World::SuccessionForm() const {
  testing::ForgedCertificate form;
  form.subject = {{"CN", "Countersign owner"}};
  form.not_before = FromUnix(kNotBefore);
  form.is_ca = true;
  form.key_usage = "keyCertSign";
  form.uris = {server_id().Urn()};
  return form;
}

Bytes World::Sign(const testing::ForgedCertificate& form, std::string_view subject,
                  std::string_view issuer) const {
  return testing::Forge(form, Key(subject).public_key(), Key(issuer));
}

std::string World::Jws(std::string_view header, std::string_view payload,
                       std::string_view key) const {
  const std::string input =
      Base64UrlEncode(AsBytes(header)) + '.' + Base64UrlEncode(AsBytes(payload));
  return input + '.' + Base64UrlEncode(Must(Key(key).SignJws(AsBytes(input))));
}

std::string CertificateTable::Add(std::string name, Bytes der) {
  Check(std::ranges::find(all_, name, &std::pair<std::string, Bytes>::first) == all_.end(), name);
  all_.emplace_back(name, std::move(der));
  return name;
}

const Bytes& CertificateTable::Get(std::string_view name) const {
  const auto at = std::ranges::find(all_, name, &std::pair<std::string, Bytes>::first);
  Check(at != all_.end(), name);
  return at->second;
}

Digest CertificateTable::Thumbprint(std::string_view name) const {
  return crypto::Sha256(Get(name));
}

boost::json::object CertificateTable::ToJson() const {
  boost::json::object object;
  for (const auto& [name, der] : all_) object[name] = Base64Encode(der);
  return object;
}

boost::json::object HeldJson(const World& world, const CertificateTable& table,
                             const State& state) {
  boost::json::object held;
  held["x5t#S256"] = Text(table.Thumbprint(state.certificate));
  held["generation"] = state.generation;
  held["owner"] = Text(world.KeyDigest(state.owner));
  held["server"] = state.server.Urn();
  return held;
}

boost::json::object StateJson(const World& world, const CertificateTable& table,
                              const State& state) {
  boost::json::object out;
  out["certificate"] = state.certificate;
  out["bundle"] = Names(state.bundle);
  out["owner"] = Text(world.KeyDigest(state.owner));
  out["server"] = state.server.Urn();
  boost::json::array& highest = out["highest"].emplace_array();
  const auto add = [&](const ServerId& server, std::uint64_t generation, const Digest& thumbprint) {
    boost::json::object entry;
    entry["server"] = server.Urn();
    entry["generation"] = generation;
    entry["x5t#S256"] = Text(thumbprint);
    highest.push_back(std::move(entry));
  };
  add(state.server, state.generation, table.Thumbprint(state.certificate));
  for (const auto& [server, generation] : state.more_highest) {
    add(server, generation, crypto::Sha256(AsBytes(server.Urn())));
  }
  return out;
}

std::string Text(const Digest& digest) { return Base64UrlEncode(digest); }

boost::json::array Names(const std::vector<std::string>& names) {
  boost::json::array array;
  for (const std::string& name : names) array.emplace_back(name);
  return array;
}

boost::json::object NewFile(std::string_view about) {
  boost::json::object file;
  file["format"] = kFormat;
  file["about"] = about;
  return file;
}

}  // namespace countersign::vectors
