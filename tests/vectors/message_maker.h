#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/vectors/world.h"

namespace countersign::vectors {

inline constexpr std::string_view kChallenge =
    "kq3mYyQ0T2m1bqvJc1r0Gm0e8uYtK3r7Cw5xN6pZ2hB4dF9sJ1lA8vE7gU0iO3aQ";
inline constexpr std::string_view kJti = "AAECAwQFBgcICQoLDA0ODw";
inline constexpr std::string_view kOtherJti = "EBESExQVFhcYGRobHB0eHw";

// Message is a JWS before it is signed: members that a case changes one by one, or whole texts.
struct Message {
  boost::json::object header;
  boost::json::object payload;
  std::string key;                               // that signs
  std::optional<std::string> header_text = {};   // instead of `header`
  std::optional<std::string> payload_text = {};  // instead of `payload`

  [[nodiscard]] std::string HeaderText() const;
  [[nodiscard]] std::string PayloadText() const;
  [[nodiscard]] std::string Sign(const World& world) const;
};
using MessageChange = std::function<void(Message&)>;

// Context is what the agent has when an order or a reply comes: named states, clock and so on.
struct Context {
  std::string state = "held";
  std::vector<Digest> distrusted = {};
  std::int64_t clock = kClock;
  std::vector<std::string> challenges = {std::string(kChallenge)};  // good ones
  boost::json::array memory = {};                                   // of orders
  std::string room = "free";                                        // or "full", "unwritable"
};
[[nodiscard]] boost::json::object MemoryEntry(std::string_view jti, std::string_view state);

// Fleet is the stage of orders and replies: certificates and states that both use.
class Fleet {
 public:
  explicit Fleet(const World& world);

  [[nodiscard]] const World& world() const { return world_; }
  [[nodiscard]] CertificateTable& table() { return table_; }
  // What the agent says it holds afterwards, by the state's name.
  [[nodiscard]] boost::json::object Held(const std::string& state) const;
  [[nodiscard]] boost::json::array X5c(const std::vector<std::string>& bundle) const;

  // An order, or a reply, by the certificate that the state "held" holds; it passes.
  [[nodiscard]] Message Order() const;
  [[nodiscard]] Message Reply() const;
  // SignedBy makes it one by another certificate and key, with a bundle if one is given.
  void SignedBy(const std::string& certificate, const std::string& key,
                const std::vector<std::string>& bundle, Message& message) const;

  [[nodiscard]] boost::json::object ContextJson(const Context& context) const;
  void Finish(boost::json::object& file) const;

 private:
  void AddState(const std::string& name, State state);
  [[nodiscard]] Message NewMessage(std::string_view typ) const;

  const World& world_;
  CertificateTable table_;
  std::map<std::string, State> states_;
};

}  // namespace countersign::vectors
