#include "server/server.h"

#include <gtest/gtest.h>

#include "server/day_fixture.h"
#include "tests/support/server_bench.h"

// What time brings (protocol sections 2 and 9).
namespace countersign::server {
namespace {

class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    bench_.Put(reserve_.certificate, store::CertificateRole::kServer,
               store::CertificateState::kReserve);
    ASSERT_TRUE(bench_.ring->Add(reserve_.key, keys::Exportable::kNo).has_value());
    ASSERT_TRUE(bench_.server().Reload(bench_.now).has_value());
  }
  // The active certificate after a Tick so long before its end.
  crypto::Certificate ActiveAt(Seconds before_end) {
    bench_.now = bench_.active.certificate.not_after() - before_end;
    bench_.server().Tick(bench_.now);
    return bench_.server().book().Active()->certificate;
  }

  testing::ServerBench bench_;
  testing::Identity reserve_ = bench_.Issue(11);
};

TEST_F(ServerTest, ReserveWaitsUntilNinetyDaysBeforeTheEnd) {
  EXPECT_EQ(ActiveAt(90 * kDay + Seconds(1)), bench_.active.certificate);
  EXPECT_NE(bench_.server().book().Reserve(), nullptr);
}

TEST_F(ServerTest, ReserveTakesOverByItself) {
  EXPECT_EQ(ActiveAt(90 * kDay), reserve_.certificate);
  EXPECT_EQ(bench_.server().book().Reserve(), nullptr);
}

TEST_F(ServerTest, ReserveTakesOverFromAnExpiredCertificate) {
  EXPECT_EQ(ActiveAt(-1000 * kDay), reserve_.certificate);
}

}  // namespace
}  // namespace countersign::server
