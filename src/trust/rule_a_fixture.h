#pragma once

// The fixture that the tests of rule A share: an agent that holds generation 100 of one owner, and
// what is needed to make it other bundles, right or wrong in one place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/certificate_factory.h"
#include "tests/support/forged_certificate.h"
#include "trust/rule_a.h"

namespace countersign::trust {

using Bundle = std::vector<Bytes>;

class RuleATest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kHeldGeneration = 100;

  // A server certificate that passes, issued by the key given; change it before Forge.
  testing::ForgedCertificate ServerBy(const crypto::PrivateKey& issuer,
                                      std::uint64_t generation = kHeldGeneration + 1) const {
    testing::ForgedCertificate forged;
    forged.subject.push_back({"dnQualifier", std::to_string(generation)});
    forged.authority_key_id = ToBytes(ByteView(issuer.public_key().digest()));
    forged.uris = {id_.Urn()};
    return forged;
  }
  testing::ForgedCertificate Succession() const {
    testing::ForgedCertificate forged;
    forged.is_ca = true;
    forged.key_usage = "keyCertSign";
    forged.uris = {id_.Urn()};
    return forged;
  }
  Bytes Sign(const testing::ForgedCertificate& forged, const crypto::PrivateKey& subject,
             const crypto::PrivateKey& issuer) const {
    return testing::Forge(forged, subject.public_key(), issuer);
  }
  // The bundle of two: `forged` for the server's new key, signed by the stored owner.
  Bundle Plain(const testing::ForgedCertificate& forged) const {
    return {Sign(forged, server_key_, owner_.key), owner_.certificate.der()};
  }
  // The bundle of three: the stored owner certified next_, which issued `server`.
  Bundle OwnerChange(const testing::ForgedCertificate& server,
                     const testing::ForgedCertificate& succession) const {
    return {Sign(server, server_key_, next_.key), Sign(succession, next_.key, owner_.key),
            owner_.certificate.der()};
  }
  std::string Answer(const Bundle& bundle, const DistrustList& distrust = {}) const {
    return Answer(held_, bundle, distrust);
  }
  static std::string Answer(const TrustState& held, const Bundle& bundle,
                            const DistrustList& distrust = {}) {
    const auto accepted = RuleA(held, bundle, distrust);
    return accepted ? "accepted" : std::string(VerdictName(accepted.error()));
  }
  static TrustState MustMove(const TrustState& held, const Bundle& bundle) {
    const auto accepted = RuleA(held, bundle, {});
    Check(accepted.has_value(), "a bundle that rule A accepts");
    return Moved(held, *accepted);
  }
  static TrustState MustTrust(const crypto::Certificate& certificate) {
    auto state = FirstTrust(certificate, nullptr);
    Check(state.has_value(), "first trust");
    return *std::move(state);
  }

  testing::TestAuthority authority_;
  const ServerId id_ = authority_.MakeServerId();
  const ServerId other_id_ = authority_.MakeServerId();
  const testing::Identity owner_ = authority_.MakeOwner();
  const testing::Identity next_ = authority_.MakeOwner();
  const testing::Identity other_ = authority_.MakeOwner();  // certified by nobody
  const crypto::PrivateKey server_key_ = authority_.MakeKey();
  const testing::Identity held_server_ = authority_.MakeServer(
      owner_, {.server_ids = {id_, other_id_}, .generation = kHeldGeneration});
  const TrustState held_ = MustTrust(held_server_.certificate);
};

}  // namespace countersign::trust
