#pragma once

#include <filesystem>
#include <string>

#include "cli/output.h"
#include "cli/session.h"

// countersign rollout proof.
namespace countersign::cli {

struct ProofCommand {
  std::string agent;
  // Empty: the terminal. "-": the message alone, as it is, on standard output. Otherwise a new
  // folder for proof.jws, agent.jwk and (where the server knows it) certificate.cer, which may be
  // given to others.
  std::string output;
};

// ShowProof shows the signed message by which an agent first proved that it holds its newest
// certificate, and the commands with which anybody checks it without this program.
[[nodiscard]] Exit ShowProof(Session& session, const ProofCommand& command, Form form);

}  // namespace countersign::cli
