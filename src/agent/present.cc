#include "agent/present.h"

#include "agent/head_memory.h"
#include "base/encoding.h"
#include "crypto/hash.h"
#include "store/policy.h"

namespace countersign::agent {
namespace {

boost::json::object CertificateJson(const trust::TrustState& trust) {
  const crypto::Certificate& certificate = trust.certificate;
  return {{"name", certificate.common_name()},
          {"subject", certificate.subject()},
          {"not_before", FormatUtc(certificate.not_before())},
          {"not_after", FormatUtc(certificate.not_after())},
          {"serial", certificate.serial()},
          {"sha256", HexLower(certificate.thumbprint())},
          {"sha1", HexLower(crypto::Sha1(certificate.der()))},
          {"generation", trust.generation},
          {"owner", HexLower(trust.owner)},
          {"server", trust.server.Text()}};
}

// The head as the server shows it, and whether its history was set back, or null.
boost::json::object HistoryJson(const HeadMemory& memory) {
  boost::json::object json{{"head", wire::FormatHistoryHead(memory.head)}, {"noticed", nullptr}};
  if (memory.step) {
    json["noticed"] = {{"kind", StepName(memory.step->kind)},
                       {"from", memory.step->from},
                       {"to", memory.step->to},
                       {"at", FormatUtc(memory.step->at)},
                       {"count", memory.step->count},
                       {"text", StepText(*memory.step)}};
  }
  return json;
}

}  // namespace

boost::json::object StatusJson(const AgentId& id, const store::AgentConfig& config,
                               const trust::TrustState& trust, std::string_view head) {
  return {{"agent", id.Text()},
          {"server_host", config.server_host},
          {"server_port", config.tls ? config.https_port : config.http_port},
          {"tls", config.tls},
          {"listen", config.listen},
          {"listen_port", config.listen_port},
          {"domain", config.domain},
          {"certificate", CertificateJson(trust)},
          {"history", HistoryJson(HeadMemory::Parse(head))}};
}

boost::json::object ActsJson(Agent& agent) {
  const store::Policy& policy = agent.policy();
  boost::json::array allowed;
  auto acts = agent.acts().Names();
  for (const auto& [act, path] : policy.hooks) {
    if (agent.acts().Find(act) == nullptr) acts.push_back(act);
  }
  for (const std::string& act : acts) {
    if (policy.Allows(act)) allowed.emplace_back(act);
  }
  boost::json::array programs;
  for (const auto& [name, program] : policy.programs) programs.emplace_back(name);
  boost::json::array hooks;
  for (const auto& [act, path] : policy.hooks) hooks.emplace_back(act);
  return {{"allowed", std::move(allowed)},
          {"programs", std::move(programs)},
          {"hooks", std::move(hooks)},
          {"policy_not_taken", agent.policy_trouble()},
          {"interval", agent.interval().count()},
          {"interval_by_order", agent.own_interval().count()}};
}

boost::json::object RenewalJson(std::string_view result, std::string_view why,
                                const trust::TrustState& trust) {
  return {{"ok", true}, {"result", result}, {"why", why}, {"certificate", CertificateJson(trust)}};
}

}  // namespace countersign::agent
