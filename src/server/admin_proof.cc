#include <boost/json/object.hpp>
#include <utility>

#include "base/encoding.h"
#include "server/admin.h"
#include "server/admin_request.h"
#include "wire/jwk.h"

// Proofs of adoption, for administrators and for those whom they show them to.
namespace countersign::server {
namespace {

// HeldIn is what the message of a proof says that the agent holds; nothing if it is not signed by
// `key`, or no such message.
std::optional<wire::Held> HeldIn(const store::ProofRow& proof, const crypto::PublicKey& key) {
  if (proof.kind == store::ProofKind::kReport) {
    const auto report = wire::ParseReport(proof.message);
    if (!report || !wire::IsSignedBy(report->envelope, key)) return std::nullopt;
    return report->report.held;
  }
  const auto receipt = wire::ParseReceipt(proof.message);
  if (!receipt || !wire::IsSignedBy(receipt->envelope, key)) return std::nullopt;
  return receipt->receipt.held;
}

// What is given out shall hold before whoever checks it.
Status CheckProof(const store::ProofRow& proof, const crypto::PublicKey& key) {
  const auto held = HeldIn(proof, key);
  if (held && held->thumbprint == proof.thumbprint && held->generation == proof.generation) {
    return {};
  }
  return Fail(Code::kDamaged,
              "the stored proof of agent " + proof.agent.Text() +
                  " is not signed by the agent's key, or says something else than was stored with "
                  "it: registry.db was altered",
              "countersign events verify");
}

}  // namespace

Admin::Answer Admin::ShowProof(const AdminMessage& request, Instant) {
  const auto text = TextMember(request, "agent", "");
  if (!text) return std::unexpected(text.error());
  const auto id = AgentId::ParseText(*text);
  if (!id) {
    return Fail(Code::kUsage, "\"" + *text + "\" is no agent id", "countersign agents list");
  }
  auto& registry = server_.world().registry;
  const auto row = registry.FindAgent(*id);
  if (!row) return std::unexpected(row.error());
  if (!*row) {
    return Fail(Code::kNotFound, "no agent " + *text + " is registered", "countersign agents list");
  }
  const auto proof = registry.FindProof(*id);
  if (!proof) return std::unexpected(proof.error());
  if (!*proof) {
    return Fail(Code::kNotFound,
                "agent " + *text + " has not proved yet that it holds a certificate of this server",
                "countersign agents show " + *text);
  }
  const auto key = crypto::PublicKey::FromSpki((*row)->key);
  if (!key) return std::unexpected(key.error());
  COUNTERSIGN_RETURN_IF_ERROR(CheckProof(**proof, *key));
  const auto* const entry = server_.book().FindServer((*proof)->thumbprint);
  AdminMessage answer;
  answer.json = {{"agent", id->Text()},
                 {"host", (*row)->host},
                 {"generation", (*proof)->generation},
                 {"serial", entry == nullptr ? "" : entry->certificate.serial()},
                 {"sha256", HexLower((*proof)->thumbprint)},
                 {"x5t", Base64UrlEncode((*proof)->thumbprint)},
                 {"generation_held", (*row)->held_generation},
                 {"kind", store::ProofKindName((*proof)->kind)},
                 {"at", FormatUtc((*proof)->at)},
                 {"message", (*proof)->message},
                 {"jwk", wire::MakeJwk(*key)}};
  if (entry != nullptr) answer.blobs.push_back(entry->certificate.der());
  return answer;
}

}  // namespace countersign::server
