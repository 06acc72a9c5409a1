// A bundle that breaks several clauses is named by the earliest: every combination of one fault, or
// none, for each clause.
#include "trust/rule_a.h"
#include "trust/rule_a_fixture.h"

namespace countersign::trust {
namespace {

using testing::ForgedCertificate;

enum class ChainFault { kNone, kCa, kAuthorityKeyId, kGeneration, kServerSignature, kSuccession };
enum class NameFault { kNone, kServer, kSuccession };
enum class GenerationFault { kNone, kOlder, kFork };

constexpr std::array kChainFaults = {ChainFault::kNone,
                                     ChainFault::kCa,
                                     ChainFault::kAuthorityKeyId,
                                     ChainFault::kGeneration,
                                     ChainFault::kServerSignature,
                                     ChainFault::kSuccession};
constexpr std::array kNameFaults = {NameFault::kNone, NameFault::kServer, NameFault::kSuccession};
constexpr std::array kGenerationFaults = {GenerationFault::kNone, GenerationFault::kOlder,
                                          GenerationFault::kFork};

struct Faults {
  bool owner = false;
  ChainFault chain = ChainFault::kNone;
  NameFault name = NameFault::kNone;
  GenerationFault generation = GenerationFault::kNone;
  bool distrusted = false;
};

std::string Expected(const Faults& faults) {
  if (faults.owner) return "other-owner";
  if (faults.chain != ChainFault::kNone) return "chain";
  if (faults.name != NameFault::kNone) return "wrong-server";
  if (faults.generation == GenerationFault::kOlder) return "older-generation";
  if (faults.generation == GenerationFault::kFork) return "fork";
  return faults.distrusted ? "distrusted" : "accepted";
}

class RuleAOrderTest : public RuleATest {
 protected:
  ForgedCertificate Server(const Faults& faults) const {
    ForgedCertificate server =
        ServerBy(next_.key, faults.generation == GenerationFault::kOlder  ? kHeldGeneration - 1
                            : faults.generation == GenerationFault::kFork ? kHeldGeneration
                                                                          : kHeldGeneration + 1);
    if (faults.name == NameFault::kServer) server.uris = {other_id_.Urn()};
    if (faults.chain == ChainFault::kCa) server.is_ca = true;
    if (faults.chain == ChainFault::kAuthorityKeyId) server.authority_key_id->resize(20);
    if (faults.chain == ChainFault::kGeneration) server.subject.pop_back();
    return server;
  }
  Bundle Make(const Faults& faults) const {
    const testing::Identity& anchor = faults.owner ? other_ : owner_;
    ForgedCertificate succession = Succession();
    if (faults.name == NameFault::kSuccession) succession.uris = {other_id_.Urn()};
    if (faults.chain == ChainFault::kSuccession) succession.is_ca = false;
    const bool forged = faults.chain == ChainFault::kServerSignature;
    return {Sign(Server(faults), server_key_, forged ? other_.key : next_.key),
            Sign(succession, next_.key, anchor.key), anchor.certificate.der()};
  }
};

TEST_F(RuleAOrderTest, EarliestClauseIsNamedInEveryCombination) {
  int num_bundles = 0;
  for (const bool owner : {false, true}) {
    for (const ChainFault chain : kChainFaults) {
      for (const NameFault name : kNameFaults) {
        for (const GenerationFault generation : kGenerationFaults) {
          const Faults faults{owner, chain, name, generation, false};
          const Bundle bundle = Make(faults);
          EXPECT_EQ(Answer(bundle), Expected(faults));
          Faults distrusted = faults;
          distrusted.distrusted = true;
          EXPECT_EQ(Answer(bundle, DistrustList({server_key_.public_key().digest()})),
                    Expected(distrusted));
          num_bundles += 2;
        }
      }
    }
  }
  EXPECT_EQ(num_bundles, 2 * 6 * 3 * 3 * 2);
}

// Within a bundle that is too long or too many, clause 1 still comes first.
TEST_F(RuleAOrderTest, OwnerIsNamedBeforeCountAndLength) {
  const Bundle many(33, other_.certificate.der());
  EXPECT_EQ(Answer(many), "other-owner");
  EXPECT_EQ(Answer(Bundle(33, owner_.certificate.der())), "chain");
  EXPECT_EQ(Answer({Bytes(kMaxBundleLen, 0), other_.certificate.der()}), "other-owner");
  EXPECT_EQ(Answer({Bytes(kMaxBundleLen, 0), owner_.certificate.der()}), "chain");
}

}  // namespace
}  // namespace countersign::trust
