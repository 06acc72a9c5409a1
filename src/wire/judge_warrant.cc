#include <algorithm>

#include "base/encoding.h"
#include "crypto/certificate.h"
#include "wire/warrant.h"

namespace countersign::wire {
namespace {

std::unexpected<Error> Bad(const std::string& why) {
  return Fail(Code::kRefused, "bad-warrant: " + why,
              "countersign owner warrant makes another (with the automatic backup and its "
              "password)");
}

// The stored owner's key signed it: the certificate only carries that key.
Status CheckSigner(const SignedWarrant& message, const trust::TrustState& held) {
  const auto owner = crypto::Certificate::Parse(message.warrant.x5c);
  if (!owner) return Bad("its certificate cannot be read: " + owner.error().message);
  const Digest& digest = owner->key().digest();
  if (digest != held.owner) {
    return Bad("it is of the owner key " + HexLower(digest) + ", and this agent follows " +
               HexLower(held.owner));
  }
  if (!IsSignedBy(message.envelope, owner->key())) {
    return Bad("its signature is not that of the owner key");
  }
  return {};
}

// An owner may have several servers, and a server of joined fleets has several ids.
std::unexpected<Error> BadServer(const Warrant& warrant, const WarrantJudge& judge) {
  const std::string held = judge.held.server.Text();
  auto bad = Bad("it is for agents of the server " + warrant.server.Text() +
                 ", and this agent belongs to " + held);
  if (judge.act == WarrantAct::kUnlock) {
    bad.error().next = "countersign owner warrant --unlock " + judge.self.Text() + " --server " +
                       held + " -o FILE (with the automatic backup and its password)";
  }
  return bad;
}

}  // namespace

Result<Warrant> JudgeWarrant(std::string_view text, const WarrantJudge& judge) {
  auto message = ParseWarrant(text);
  if (!message) return Bad(message.error().message);
  COUNTERSIGN_RETURN_IF_ERROR(CheckSigner(*message, judge.held));
  Warrant& warrant = message->warrant;
  if (warrant.server != judge.held.server) return BadServer(warrant, judge);
  if (warrant.act != judge.act) {
    return Bad("it allows \"" + std::string(WarrantActName(warrant.act)) + "\", not \"" +
               std::string(WarrantActName(judge.act)) + "\"");
  }
  const auto& agents = warrant.agents;
  if (!agents.empty() && std::ranges::find(agents, judge.self) == agents.end()) {
    return Bad("it does not name this agent, " + judge.self.Text());
  }
  const Instant exp = FromUnix(static_cast<std::int64_t>(warrant.exp));
  if (exp <= judge.now) {
    return Bad("it ran out at " + FormatUtc(exp) + " (this machine's clock says " +
               FormatUtc(judge.now) + ")");
  }
  if (judge.held.HasSpent(warrant.jti)) {
    return Bad("it was used up at this agent before; each is good once");
  }
  return std::move(warrant);
}

trust::SpentWarrant SpentOf(const Warrant& warrant) {
  return {.jti = warrant.jti, .exp = FromUnix(static_cast<std::int64_t>(warrant.exp))};
}

}  // namespace countersign::wire
