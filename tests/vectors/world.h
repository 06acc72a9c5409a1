#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "crypto/certificate.h"
#include "crypto/keys.h"
#include "tests/support/forged_certificate.h"

// What the generator of the vectors makes its cases from: fixed keys, ids and times. The
// expectations in the cases are written by hand; the code under test is not asked for them.
namespace countersign::vectors {

inline constexpr std::string_view kFormat = "countersign vectors 1";
inline constexpr std::int64_t kClock = 1'795'000'000;            // 2026-11-18
inline constexpr std::uint64_t kHeldGeneration = 1'780'000'000;  // of what agents hold
inline constexpr std::uint64_t kNextGeneration = 1'790'000'000;

// World gives keys by the names of keys.json and makes certificates for them. Aborts on a name that
// is not there: the generator runs in the tree only.
class World {
 public:
  explicit World(const std::filesystem::path& keys_file);

  [[nodiscard]] const crypto::PrivateKey& Key(std::string_view name) const;
  [[nodiscard]] Digest KeyDigest(std::string_view name) const;
  // The server of the fleet, another one, and the id that the key derives (UUIDv8).
  [[nodiscard]] ServerId server_id() const;
  [[nodiscard]] ServerId other_server_id() const;
  [[nodiscard]] Uuid IdOf(std::string_view key) const;
  // SubjectPublicKeyInfos of kinds that the protocol does not allow.
  [[nodiscard]] const std::map<std::string, Bytes>& refused_public_keys() const {
    return refused_public_keys_;
  }

  // Certificates as Countersign issues them.
  [[nodiscard]] Bytes Owner(std::string_view key) const;
  [[nodiscard]] Bytes Server(std::string_view key, std::string_view owner, std::uint64_t generation,
                             std::vector<ServerId> ids = {}) const;
  [[nodiscard]] Bytes Succession(std::string_view to, std::string_view from,
                                 std::vector<ServerId> ids = {}) const;
  // The same, to be changed in one place and then signed by Sign.
  [[nodiscard]] testing::ForgedCertificate ServerForm(std::string_view owner,
                                                      std::uint64_t generation) const;
  [[nodiscard]] testing::ForgedCertificate SuccessionForm() const;
  [[nodiscard]] Bytes Sign(const testing::ForgedCertificate& form, std::string_view subject,
                           std::string_view issuer) const;

  // Jws signs any texts as header and payload with the key's plain algorithm.
  [[nodiscard]] std::string Jws(std::string_view header, std::string_view payload,
                                std::string_view key) const;

 private:
  std::map<std::string, crypto::PrivateKey, std::less<>> keys_;
  std::map<std::string, Bytes> refused_public_keys_;
};

// Certificates of one file by name: cases name them, the file has them once.
class CertificateTable {
 public:
  // Add returns the name.
  std::string Add(std::string name, Bytes der);
  [[nodiscard]] const Bytes& Get(std::string_view name) const;
  [[nodiscard]] Digest Thumbprint(std::string_view name) const;
  [[nodiscard]] boost::json::object ToJson() const;
  [[nodiscard]] const std::vector<std::pair<std::string, Bytes>>& all() const { return all_; }

 private:
  std::vector<std::pair<std::string, Bytes>> all_;
};

// State is a trust state in terms of names.
struct State {
  std::string certificate;  // in the table
  std::string owner;        // a key
  ServerId server;
  std::uint64_t generation = 0;
  std::vector<std::string> bundle = {};  // in the table; empty after first trust
  std::vector<std::pair<ServerId, std::uint64_t>> more_highest = {};  // of other server ids
};
// The trust state, and what a message says of it (`held`).
[[nodiscard]] boost::json::object StateJson(const World& world, const CertificateTable& table,
                                            const State& state);
[[nodiscard]] boost::json::object HeldJson(const World& world, const CertificateTable& table,
                                           const State& state);

// Text of 32 octets as the messages have it.
[[nodiscard]] std::string Text(const Digest& digest);
[[nodiscard]] boost::json::array Names(const std::vector<std::string>& names);
// The head that every file begins with.
[[nodiscard]] boost::json::object NewFile(std::string_view about);

}  // namespace countersign::vectors
