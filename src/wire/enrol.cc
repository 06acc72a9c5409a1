#include "crypto/hash.h"
#include "wire/messages.h"

namespace countersign::wire {

Digest EnrolProof(ByteView secret, const AgentId& agent, const ServerId& server,
                  std::string_view challenge) {
  std::string message = "countersign enrol v1";
  const auto append = [&](std::string_view part) { (message += '\0') += part; };
  append(agent.Urn());
  append(server.Urn());
  append(challenge);
  return crypto::HmacSha256(secret, AsBytes(message));
}

}  // namespace countersign::wire
