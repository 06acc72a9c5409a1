#include "server/offline.h"

#include "server/backup_check.h"
#include "server/issuing_fixture.h"

namespace countersign::server {
namespace {

using store::CertificateState;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using wire::OwnerRequest;

class OfflineTest : public IssuingTest {
 protected:
  void SetUp() override {
    first_ = Create(server_).certificate;
    server_.AddAgent(HoldingAgent(*first_));
  }
  OwnerRequest Ask(bool compromised = true, Instant now = kNow + kDay) {
    auto request = MakeOwnerRequest(server_.world(), config_, {.compromised = compromised}, now);
    EXPECT_TRUE(request.has_value()) << request.error().message;
    return *std::move(request);
  }
  // Sign is on another machine: all it has is the copy of the backup and the password.
  Result<OwnerSignature> Sign(const OwnerRequest& request, Instant now = kNow + kDay,
                              std::string_view password = kPassword,
                              ClockIsRight clock = ClockIsRight::kNo) {
    return SignOwnerRequest(request, copy(), Secret(password),
                            {.clock = clock, .backup_iterations = kFewIterations}, random_, now);
  }
  [[nodiscard]] const Bytes& copy() {
    if (copy_.empty()) copy_ = *server_.storage.content.backup;
    return copy_;
  }
  wire::OwnerAnswer Answer(const OwnerRequest& request) {
    const auto made = Sign(request);
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return made ? made->answer : wire::OwnerAnswer{};
  }
  Error SignRefused(const OwnerRequest& request, Instant now = kNow + kDay) {
    const auto made = Sign(request, now);
    EXPECT_FALSE(made.has_value());
    return made ? Error{} : made.error();
  }
  Result<Issued> Install(const wire::OwnerAnswer& answer, Instant now = kNow + 2 * kDay) {
    return InstallOwnerAnswer(server_.world(), answer, now);
  }

  ServerInMemory server_;
  testing::SeededRandom random_{99};
  std::optional<crypto::Certificate> first_;
  Bytes copy_;
};

TEST_F(OfflineTest, TheWholeWay) {
  const Bytes before = copy();
  const auto request = Ask();
  EXPECT_EQ(server_.Book().Active()->certificate, *first_) << "nothing changes by asking";
  EXPECT_EQ(server_.Keys().size(), 4U);
  ASSERT_TRUE(FinishIdentityChange(server_.world()).has_value());
  EXPECT_EQ(server_.Keys().size(), 4U) << "a restart in between keeps what was asked for";

  const auto made = Sign(request);
  ASSERT_TRUE(made.has_value()) << made.error().message;
  const auto issued = Install(made->answer);
  ASSERT_TRUE(issued.has_value()) << issued.error().message;
  EXPECT_EQ(issued->replaced, first_);
  const IdentityBook book = server_.Book();
  EXPECT_EQ(book.Active()->certificate, made->active);
  EXPECT_EQ(book.Reserve()->certificate, made->reserve);
  EXPECT_EQ(book.FindServer(first_->thumbprint())->row.state, CertificateState::kRevoked);
  EXPECT_TRUE(TakesOver(*first_, book));
  EXPECT_EQ(server_.Keys().size(), 2U) << "the old keys are destroyed";
  EXPECT_FALSE(server_.Keys().contains(first_->key().digest()));
  EXPECT_THAT(server_.storage.content.kept, Contains(before));
}

TEST_F(OfflineTest, TheNewBackupHasTheOwnerKeyAndNoServerKey) {
  const auto request = Ask();
  ASSERT_TRUE(Install(Answer(request)).has_value());
  const auto opened = server_.OpenBackup(kPassword);
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  EXPECT_TRUE(opened->owner_key.has_value());
  EXPECT_THAT(opened->server_keys, IsEmpty());
  EXPECT_EQ(opened->manifest->admitted.size(), 1U);

  // A server made from it has to make a certificate first, and is told so.
  ServerInMemory other(5);
  const auto restored =
      Import(other, *server_.storage.content.backup, {}, kPassword, kNow + 3 * kDay);
  ASSERT_TRUE(restored.has_value()) << restored.error().message;
  EXPECT_THAT(restored->notes, Contains(HasSubstr("-c PASSWORD")));
  ASSERT_TRUE(Replace(other, kNow + 4 * kDay).has_value());
  EXPECT_TRUE(TakesOver(server_.Book().Active()->certificate, other.Book()));

  // And when the password is given here again, the keys are put into it.
  ASSERT_TRUE(ChangeBackupPassword(server_.world(), config_, Secret(kPassword),
                                   Secret(kFilePassword), kNow + 3 * kDay)
                  .has_value());
  ExpectWhole(server_, kFilePassword);
}

// The list of certificates comes from a server that may be the thief's.
TEST_F(OfflineTest, AStrangersCertificateDoesNotGetIntoTheBackup) {
  auto request = Ask();
  testing::OddOptions options;
  options.dn_qualifier = "9007199254740990";
  options.uris = {request.server_ids.front().Urn()};
  const auto key = authority_.MakeKey();
  const auto poison = authority_.IssueOdd(options, key.public_key(), key);
  request.certificates.push_back(poison.der());
  ASSERT_TRUE(Install(Answer(request)).has_value());
  const auto opened = server_.OpenBackup(kPassword);
  ASSERT_TRUE(opened.has_value());
  EXPECT_THAT(opened->certificates, Not(Contains(poison)));
  EXPECT_THAT(opened->certificates, Contains(*first_));
}

TEST_F(OfflineTest, WithoutAThiefTheOldCertificateIsReplaced) {
  const auto request = Ask(false);
  ASSERT_TRUE(Install(Answer(request)).has_value());
  EXPECT_EQ(server_.Book().FindServer(first_->thumbprint())->row.state,
            CertificateState::kReplaced);
}

TEST_F(OfflineTest, AFileThatIsNoBackupIsMalformedAndNoDamage) {
  const auto request = Ask();
  copy_ = ToBytes("{}");
  EXPECT_EQ(SignRefused(request).code, Code::kMalformed);
}

TEST_F(OfflineTest, TheOwnerRefusesWhatTheBackupDoesNotKnow) {
  auto request = Ask();
  EXPECT_EQ(Sign(request, kNow + kDay, "another password").error().code, Code::kWrongPassword);

  auto strange = request;
  strange.server_ids.push_back(Uuid::FromRandom(random_.Array<16>()));
  EXPECT_THAT(SignRefused(strange).message, HasSubstr(strange.server_ids.back().Text()));

  auto other_owner = request;
  other_owner.owner[0] ^= 1;
  EXPECT_THAT(SignRefused(other_owner).message, HasSubstr("owner key"));

  auto replayed = request;
  replayed.generation = server_.Book().HighestGeneration();
  EXPECT_THAT(SignRefused(replayed).message, HasSubstr("knows"));

  auto backwards = request;
  backwards.not_after = backwards.not_before;
  EXPECT_THAT(SignRefused(backwards).message, HasSubstr("dates"));

  auto no_key = request;
  no_key.active_key = ToBytes("no key");
  EXPECT_EQ(SignRefused(no_key).code, Code::kMalformed);
}

// A thief's server may ask for a generation far ahead, which no later one could exceed.
TEST_F(OfflineTest, AGenerationAheadOfTheOwnersClockNeedsAWord) {
  auto request = Ask();
  request.generation = static_cast<std::uint64_t>(ToUnix(kNow + 3 * kDay));
  EXPECT_THAT(SignRefused(request).next, HasSubstr("--clock-is-right"));
  EXPECT_TRUE(Sign(request, kNow + kDay, kPassword, ClockIsRight::kYes).has_value());
}

TEST_F(OfflineTest, TheServerTakesOnlyTheAnswerToItsRequest) {
  const auto request = Ask();
  const auto made = Sign(request);
  const auto refused = [&](const wire::OwnerAnswer& answer, std::string_view word) {
    const auto error = FailureOf(Install(answer));
    EXPECT_EQ(error.code, Code::kRefused);
    EXPECT_THAT(error.message, HasSubstr(word));
    EXPECT_EQ(server_.Book().Active()->certificate, *first_);
    EXPECT_EQ(*server_.storage.content.backup, copy());
  };
  auto swapped = made->answer;
  std::swap(swapped.active, swapped.reserve);
  refused(swapped, "another key");

  auto later = request;
  ++later.generation;
  refused(Answer(later), "generation");

  auto forged = made->answer;
  const auto stranger = authority_.MakeOwner();
  const auto key = crypto::PublicKey::FromSpki(request.active_key).value();
  forged.active = crypto::IssueCertificate({.role = crypto::CertificateRequest::Role::kServer,
                                            .common_name = request.common_name,
                                            .generation = request.generation,
                                            .server_ids = request.server_ids,
                                            .not_before = request.not_before,
                                            .not_after = request.not_after,
                                            .serial_random = random_.Array<16>()},
                                           key, stranger.key, &stranger.certificate)
                      ->der();
  refused(forged, "refused by agents");
  EXPECT_TRUE(Install(made->answer).has_value());
  const auto again = FailureOf(Install(made->answer));
  EXPECT_EQ(again.code, Code::kNotFound) << "once";
  EXPECT_EQ(again.next, "countersign owner request -o REQUEST");
}

TEST_F(OfflineTest, AnotherReplacementVoidsTheRequest) {
  const auto answer = Answer(Ask(false));
  ASSERT_TRUE(Replace(server_, kNow + 2 * kDay).has_value());
  EXPECT_EQ(FailureOf(Install(answer)).code, Code::kNotFound);
  ExpectWhole(server_, kPassword);
}

TEST_F(OfflineTest, ASecondRequestVoidsTheFirst) {
  const auto first = Ask();
  const auto second = Ask(true, kNow + kDay + Seconds(5));
  EXPECT_EQ(server_.Keys().size(), 4U) << "the keys of the first are gone";
  EXPECT_EQ(FailureOf(Install(Answer(first))).code, Code::kRefused);
  EXPECT_TRUE(Install(Answer(second)).has_value());
}

TEST_F(OfflineTest, AnImportedIdentityHasNoOwnerToAsk) {
  ServerInMemory server(6);
  ASSERT_TRUE(Import(server, FileOf({MakeImported()})).has_value());
  const auto error = FailureOf(MakeOwnerRequest(server.world(), config_, {}, kNow));
  EXPECT_EQ(error.code, Code::kRefused);
  EXPECT_THAT(error.message, HasSubstr("imported"));
}

TEST_F(OfflineTest, AFollowerAsksNobody) {
  config_.follower_of = "issuer.example";
  EXPECT_EQ(FailureOf(MakeOwnerRequest(server_.world(), config_, {}, kNow)).code, Code::kRefused);
}

TEST_F(OfflineTest, TheBackupSaysThatItLacksTheKeys) {
  ASSERT_TRUE(Install(Answer(Ask())).has_value());
  const auto check = CheckAutomaticBackup(server_.world(), Secret(kPassword), kNow + 3 * kDay);
  ASSERT_TRUE(check.has_value()) << check.error().message;
  EXPECT_THAT(check->problems, Not(IsEmpty()));
}

}  // namespace
}  // namespace countersign::server
