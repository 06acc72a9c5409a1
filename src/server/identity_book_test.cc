#include "server/identity_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/certificate_factory.h"
#include "trust/rule_a.h"

namespace countersign::server {
namespace {

using store::CertificateRole;
using store::CertificateRow;
using store::CertificateState;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class IdentityBookTest : public ::testing::Test {
 protected:
  static CertificateRow Row(const crypto::Certificate& certificate, CertificateRole role,
                            CertificateState state = CertificateState::kActive) {
    CertificateRow row{.thumbprint = certificate.thumbprint(),
                       .der = certificate.der(),
                       .role = role,
                       .state = state,
                       .generation = 0,
                       .since = testing::kTestBegin};
    return row;
  }
  void Add(const crypto::Certificate& certificate, CertificateRole role,
           CertificateState state = CertificateState::kActive) {
    rows_.push_back(Row(certificate, role, state));
  }
  testing::Identity Server(const testing::Identity& owner, std::uint64_t generation) {
    return authority_.MakeServer(owner, {.server_ids = {id_, other_id_}, .generation = generation});
  }
  [[nodiscard]] IdentityBook Book() const {
    auto book = IdentityBook::Make(rows_);
    EXPECT_TRUE(book.has_value()) << book.error().message;
    return book ? *std::move(book) : IdentityBook();
  }
  // Accepts: an agent that first trusted `held` accepts what the book offers it for the active one.
  static bool Accepts(const crypto::Certificate& held, const IdentityBook& book) {
    const auto state = trust::FirstTrust(held, nullptr).value();
    const auto bundle = book.BundleFor(*book.Active(), state.owner, state.server);
    return bundle && trust::RuleA(state, *bundle, trust::DistrustList()).has_value();
  }

  testing::TestAuthority authority_{5};
  ServerId id_ = authority_.MakeServerId();
  ServerId other_id_ = authority_.MakeServerId();
  testing::Identity owner_ = authority_.MakeOwner();
  testing::Identity next_owner_ = authority_.MakeOwner();
  testing::Identity imported_ = authority_.MakeImported(crypto::KeyKind::kP256);
  std::vector<CertificateRow> rows_;
};

TEST_F(IdentityBookTest, EmptyBookKnowsNothing) {
  const IdentityBook book = Book();
  EXPECT_EQ(book.Active(), nullptr);
  EXPECT_EQ(book.Reserve(), nullptr);
  EXPECT_EQ(book.OwnerCertificate(), nullptr);
  EXPECT_TRUE(book.server_ids().empty());
  EXPECT_EQ(book.HighestGeneration(), 0U);
  EXPECT_FALSE(book.IsOurs(id_));
  EXPECT_FALSE(book.KnowsOwner(owner_.key.public_key().digest()));
}

TEST_F(IdentityBookTest, CertificatesAreFoundByWhatTheyAreFor) {
  const auto active = Server(owner_, 5);
  const auto reserve = Server(owner_, 6);
  const auto replaced = Server(owner_, 4);
  Add(owner_.certificate, CertificateRole::kOwner);
  Add(replaced.certificate, CertificateRole::kServer, CertificateState::kReplaced);
  Add(active.certificate, CertificateRole::kServer);
  Add(reserve.certificate, CertificateRole::kServer, CertificateState::kReserve);
  const IdentityBook book = Book();
  EXPECT_EQ(book.Active()->certificate, active.certificate);
  EXPECT_EQ(book.Reserve()->certificate, reserve.certificate);
  EXPECT_EQ(book.FindServer(replaced.certificate.thumbprint())->certificate, replaced.certificate);
  EXPECT_EQ(book.FindServer(owner_.certificate.thumbprint()), nullptr) << "no server certificate";
  EXPECT_EQ(*book.OwnerCertificate(), owner_.certificate);
  EXPECT_THAT(book.server_ids(), ElementsAre(id_, other_id_));
  EXPECT_TRUE(book.IsOurs(other_id_));
  EXPECT_EQ(book.HighestGeneration(), 6U);
}

TEST_F(IdentityBookTest, WithoutAnActiveCertificateTheNewestSaysWhoTheServerIs) {
  Add(owner_.certificate, CertificateRole::kOwner);
  Add(Server(owner_, 5).certificate, CertificateRole::kServer, CertificateState::kReplaced);
  const IdentityBook book = Book();
  EXPECT_EQ(book.Active(), nullptr);
  EXPECT_TRUE(book.IsOurs(id_));
  EXPECT_EQ(*book.OwnerCertificate(), owner_.certificate);
}

TEST_F(IdentityBookTest, ImportedIdentityIsItsOwnOwner) {
  Add(imported_.certificate, CertificateRole::kServer);
  const IdentityBook book = Book();
  EXPECT_EQ(*book.OwnerCertificate(), imported_.certificate);
  EXPECT_TRUE(book.KnowsOwner(imported_.key.public_key().digest()));
  EXPECT_EQ(book.server_ids().front(), Uuid::FromDigest(imported_.key.public_key().digest()));
}

TEST_F(IdentityBookTest, KeyOfAnIssuedServerCertificateIsNoOwner) {
  const auto active = Server(owner_, 5);
  Add(owner_.certificate, CertificateRole::kOwner);
  Add(active.certificate, CertificateRole::kServer);
  EXPECT_FALSE(Book().KnowsOwner(active.key.public_key().digest()));
}

TEST_F(IdentityBookTest, SameOwnerTakesOverByTwoCertificates) {
  const auto active = Server(owner_, 5);
  Add(owner_.certificate, CertificateRole::kOwner);
  Add(active.certificate, CertificateRole::kServer);
  const IdentityBook book = Book();
  EXPECT_THAT(*book.BundleFor(*book.Active(), owner_.key.public_key().digest(), id_),
              ElementsAre(active.certificate.der(), owner_.certificate.der()));
  EXPECT_TRUE(Accepts(Server(owner_, 4).certificate, book));
}

TEST_F(IdentityBookTest, EarlierOwnersTakeOverBySuccessions) {
  const std::vector<ServerId> ids = {id_, other_id_};
  const auto last_owner = authority_.MakeOwner();
  const auto active = Server(last_owner, 5);
  const auto first = authority_.IssueSuccession(owner_, next_owner_, ids);
  const auto second = authority_.IssueSuccession(next_owner_, last_owner, ids);
  Add(owner_.certificate, CertificateRole::kOwner);
  Add(first, CertificateRole::kSuccession);
  Add(second, CertificateRole::kSuccession);
  Add(last_owner.certificate, CertificateRole::kOwner);
  Add(active.certificate, CertificateRole::kServer);
  const IdentityBook book = Book();
  EXPECT_THAT(
      *book.BundleFor(*book.Active(), owner_.key.public_key().digest(), id_),
      ElementsAre(active.certificate.der(), second.der(), first.der(), owner_.certificate.der()));
  EXPECT_TRUE(Accepts(Server(owner_, 4).certificate, book));
  EXPECT_TRUE(Accepts(Server(next_owner_, 4).certificate, book))
      << "a succession carries its key where its own certificate is not there";
  EXPECT_TRUE(Accepts(Server(last_owner, 4).certificate, book));
}

TEST_F(IdentityBookTest, ImportedOwnerTakesOverWithItsOwnCertificateAsCarrier) {
  const ServerId imported_id = Uuid::FromDigest(imported_.key.public_key().digest());
  const auto active =
      authority_.MakeServer(owner_, {.server_ids = {imported_id}, .generation = 2'000'000'000});
  Add(imported_.certificate, CertificateRole::kServer, CertificateState::kReplaced);
  Add(authority_.IssueSuccession(imported_, owner_, {imported_id}), CertificateRole::kSuccession);
  Add(owner_.certificate, CertificateRole::kOwner);
  Add(active.certificate, CertificateRole::kServer);
  EXPECT_TRUE(Accepts(imported_.certificate, Book()));
}

TEST_F(IdentityBookTest, ThereIsNoWayWhereThereIsNone) {
  const auto stranger = authority_.MakeOwner();
  const auto active = Server(next_owner_, 5);
  Add(owner_.certificate, CertificateRole::kOwner);
  Add(next_owner_.certificate, CertificateRole::kOwner);
  // Names another server than the agent's, and the wrong way round.
  Add(authority_.IssueSuccession(owner_, next_owner_, {other_id_}), CertificateRole::kSuccession);
  Add(authority_.IssueSuccession(next_owner_, owner_, {id_}), CertificateRole::kSuccession);
  Add(active.certificate, CertificateRole::kServer);
  const IdentityBook book = Book();
  const auto bundle_for = [&](const testing::Identity& owner, const ServerId& server) {
    return book.BundleFor(*book.Active(), owner.key.public_key().digest(), server);
  };
  EXPECT_FALSE(bundle_for(owner_, id_)) << "the succession does not name this server";
  EXPECT_TRUE(bundle_for(owner_, other_id_));
  EXPECT_FALSE(bundle_for(stranger, id_)) << "another owner";
  EXPECT_FALSE(bundle_for(next_owner_, authority_.MakeServerId())) << "another server";
}

TEST_F(IdentityBookTest, SelfSignedTargetHasNoBundle) {
  Add(imported_.certificate, CertificateRole::kServer);
  const IdentityBook book = Book();
  EXPECT_FALSE(book.BundleFor(*book.Active(), imported_.key.public_key().digest(),
                              book.server_ids().front()));
}

TEST_F(IdentityBookTest, CircleOfSuccessionsEnds) {
  const auto active = Server(owner_, 5);
  const auto goal = authority_.MakeOwner();
  Add(goal.certificate, CertificateRole::kOwner);
  Add(owner_.certificate, CertificateRole::kOwner);
  Add(authority_.IssueSuccession(owner_, next_owner_, {id_}), CertificateRole::kSuccession);
  Add(authority_.IssueSuccession(next_owner_, owner_, {id_}), CertificateRole::kSuccession);
  Add(active.certificate, CertificateRole::kServer);
  const IdentityBook book = Book();
  EXPECT_FALSE(book.BundleFor(*book.Active(), goal.key.public_key().digest(), id_));
}

TEST_F(IdentityBookTest, PathThatNoBundleHoldsIsNotOffered) {
  std::vector<testing::Identity> owners = {owner_};
  Add(owner_.certificate, CertificateRole::kOwner);
  for (int i = 0; i < 31; ++i) {
    owners.push_back(authority_.MakeOwner());
    Add(authority_.IssueSuccession(owners[owners.size() - 2], owners.back(), {id_}),
        CertificateRole::kSuccession);
  }
  Add(Server(owners.back(), 5).certificate, CertificateRole::kServer);
  const IdentityBook book = Book();
  const auto bundle_for = [&](std::size_t owner) {
    return book.BundleFor(*book.Active(), owners[owner].key.public_key().digest(), id_);
  };
  EXPECT_FALSE(bundle_for(0)) << "33 certificates";
  ASSERT_TRUE(bundle_for(1));
  EXPECT_EQ(bundle_for(1)->size(), trust::kMaxBundle);
}

TEST_F(IdentityBookTest, DamagedRowIsNamed) {
  const auto active = Server(owner_, 5);
  const auto refused = [&](CertificateRow row) {
    const auto book = IdentityBook::Make({std::move(row)});
    EXPECT_FALSE(book.has_value());
    return book ? Error() : book.error();
  };
  auto row = Row(active.certificate, CertificateRole::kServer);
  row.der.pop_back();
  EXPECT_EQ(refused(row).code, Code::kDamaged);
  row = Row(active.certificate, CertificateRole::kServer);
  row.thumbprint[0] ^= 1;
  EXPECT_THAT(refused(row).message, HasSubstr("thumbprint"));
  EXPECT_EQ(
      refused(Row(authority_.IssueSuccession(owner_, next_owner_, {id_}), CertificateRole::kServer))
          .code,
      Code::kDamaged);
}

TEST_F(IdentityBookTest, TwoActiveCertificatesAreAContradiction) {
  Add(Server(owner_, 5).certificate, CertificateRole::kServer);
  Add(Server(owner_, 6).certificate, CertificateRole::kServer);
  const auto book = IdentityBook::Make(rows_);
  ASSERT_FALSE(book.has_value());
  EXPECT_EQ(book.error().code, Code::kDamaged);
}

TEST_F(IdentityBookTest, RegistryIsReadAsItIs) {
  const auto registry = store::OpenSqlite(":memory:").value();
  const auto active = Server(owner_, 5);
  ASSERT_TRUE(registry->PutCertificate(Row(active.certificate, CertificateRole::kServer)));
  const auto book = IdentityBook::Load(*registry);
  ASSERT_TRUE(book.has_value()) << book.error().message;
  EXPECT_EQ(book->Active()->certificate, active.certificate);
}

}  // namespace
}  // namespace countersign::server
