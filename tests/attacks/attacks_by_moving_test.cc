#include <gtest/gtest.h>

#include <functional>

#include "tests/attacks/scene.h"
#include "wire/move_target.h"
#include "wire/warrant.h"

// A thief of the online server key cannot carry agents off (protocol section 8): an order to move
// needs a warrant, which only the owner key signs. After each attempt the agent belongs to its
// server, and nothing was left to the daemon to carry out.
namespace countersign::attacks {
namespace {

using testing::Identity;

// The thief's own server, to which it would like to have the agent.
struct Lair {
  explicit Lair(Scene& scene)
      : id(scene.bench.authority.MakeServerId()),
        owner(scene.bench.authority.MakeOwner()),
        server(scene.bench.authority.MakeServer(owner, {.server_ids = {id}, .generation = 5})) {}
  [[nodiscard]] std::vector<Bytes> Bundle() const {
    return {server.certificate.der(), owner.certificate.der()};
  }
  ServerId id;
  Identity owner;
  Identity server;
};

wire::Warrant WarrantTo(Scene& scene, const Lair& lair) {
  const auto iat = static_cast<std::uint64_t>(ToUnix(scene.victim->now.wall));
  return {.x5c = scene.bench.owner.certificate.der(),
          .jti = scene.bench.random.Token(),
          .iat = iat,
          .exp = iat + 86'400,
          .server = scene.bench.server_id,
          .act = wire::WarrantAct::kMove,
          .agents = {scene.victim->id},
          .target = wire::MoveTarget{.server = lair.id,
                                     .owner = lair.owner.key.public_key().digest(),
                                     .generation = 5,
                                     .addresses = {"lair.example:8080"}}};
}

// Order signs an order to move with the stolen server key, and gives it.
std::string Order(Scene& scene, const std::string& warrant, const Lair& lair) {
  const wire::Order order{
      .x5t = scene.bench.active.certificate.thumbprint(),
      .x5c = {},
      .iss = scene.bench.server_id,
      .aud = scene.victim->id,
      .jti = scene.bench.random.Token(),
      .iat = 1,
      .challenge = scene.Challenge(*scene.victim),
      .act = "move",
      .args = wire::FormatMoveArgs({.warrant = warrant, .bundle = lair.Bundle()})};
  return scene.Give(*scene.victim, wire::SignOrder(order, scene.bench.active.key).value());
}

// OrderOwn: with a warrant that `change` made of a good one, signed by `signer`.
std::string OrderOwn(Scene& scene, const Identity& signer,
                     const std::function<void(wire::Warrant&)>& change) {
  const Lair lair(scene);
  wire::Warrant warrant = WarrantTo(scene, lair);
  warrant.x5c = signer.certificate.der();
  change(warrant);
  return Order(scene, wire::SignWarrant(warrant, signer.key).value(), lair);
}

void Nothing(wire::Warrant&) {}

constexpr Attack kThiefWhoMoves[] = {
    {"T1", "orders the agent to its own server without a warrant", "bad-warrant",
     [](Scene& scene) { return Order(scene, "", Lair(scene)); }},
    {"T1", "makes a warrant under the stolen server key", "bad-warrant",
     [](Scene& scene) { return OrderOwn(scene, scene.bench.active, Nothing); }},
    {"T1", "makes a warrant under an owner key of its own", "bad-warrant",
     [](Scene& scene) { return OrderOwn(scene, scene.bench.authority.MakeOwner(), Nothing); }},
    {"T1", "puts the owner's certificate on a warrant that it signed itself", "bad-warrant",
     [](Scene& scene) {
       const Lair lair(scene);
       const wire::Warrant warrant = WarrantTo(scene, lair);
       wire::Warrant own = warrant;
       own.x5c = lair.owner.certificate.der();
       const std::string good = wire::SignWarrant(warrant, scene.bench.owner.key).value();
       const std::string forged = wire::SignWarrant(own, lair.owner.key).value();
       return Order(scene, good.substr(0, good.rfind('.')) + forged.substr(forged.rfind('.')),
                    lair);
     }},
    {"T1", "uses the owner's warrant for another server's agents", "bad-warrant",
     [](Scene& scene) {
       return OrderOwn(scene, scene.bench.owner, [&](auto& warrant) {
         warrant.server = scene.bench.authority.MakeServerId();
       });
     }},
    {"T1", "uses the owner's warrant for another agent", "bad-warrant",
     [](Scene& scene) {
       return OrderOwn(scene, scene.bench.owner, [&](auto& warrant) {
         warrant.agents = {AgentId(scene.bench.random.Array<16>())};
       });
     }},
    {"T1", "uses the owner's warrant to unlock this agent", "bad-warrant",
     [](Scene& scene) {
       return OrderOwn(scene, scene.bench.owner, [](auto& warrant) {
         warrant.act = wire::WarrantAct::kUnlock;
         warrant.target.reset();
       });
     }},
    {"T1", "uses a warrant of the owner's that has run out", "bad-warrant",
     [](Scene& scene) {
       return OrderOwn(scene, scene.bench.owner, [&](auto& warrant) {
         warrant.iat -= 10 * 86'400;
         warrant.exp -= 10 * 86'400;
       });
     }},
    {"T1", "takes the owner's warrant to another target of its own", "failed",
     [](Scene& scene) {
       const Lair meant(scene);
       const Lair lair(scene);
       return Order(
           scene, wire::SignWarrant(WarrantTo(scene, meant), scene.bench.owner.key).value(), lair);
     }},
};

class MovingAttackTest : public ::testing::TestWithParam<Attack> {};

TEST_P(MovingAttackTest, DoesNotSucceed) {
  Scene scene;
  EXPECT_EQ(GetParam().attempt(scene), GetParam().expected) << GetParam();
  EXPECT_EQ(scene.HeldBy(*scene.victim), "the owner's");
  EXPECT_TRUE(scene.victim->agent->TakeTasks().empty());
  EXPECT_EQ(scene.victim->agent->trust().server, scene.bench.server_id);
  scene.Pass(Seconds(1'000));
  EXPECT_EQ(scene.Command(*scene.victim), "done") << "the rightful server is not obeyed any more";
}

INSTANTIATE_TEST_SUITE_P(T1, MovingAttackTest, ::testing::ValuesIn(kThiefWhoMoves));

}  // namespace
}  // namespace countersign::attacks
