#include "crypto/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/tls_certificate.h"

namespace countersign::crypto {
namespace {

using ::testing::HasSubstr;

PrivateKey NewKey(KeyKind kind = KeyKind::kP256) { return PrivateKey::Generate(kind).value(); }

Certificate CertificateOf(const PrivateKey& key) {
  return MakeTlsCertificate({.common_name = "web host",
                             .hosts = {"server.example", "192.0.2.1", "2001:db8::1"},
                             .not_before = FromUnix(1'000)},
                            key)
      .value();
}

TlsContext ServerContext(const PrivateKey& key) {
  const std::vector<Bytes> chain = {CertificateOf(key).der()};
  return TlsContext::ForServer(key, chain).value();
}

// Pump carries what each has to say to the other until neither says anything.
void Pump(TlsSession& a, TlsSession& b) {
  for (;;) {
    const Bytes from_a = a.TakeOutput();
    const Bytes from_b = b.TakeOutput();
    if (from_a.empty() && from_b.empty()) return;
    b.Feed(from_a);
    a.Feed(from_b);
    static_cast<void>(a.Handshake());
    static_cast<void>(b.Handshake());
  }
}

class TlsPair : public ::testing::Test {
 protected:
  void Connect(const PrivateKey& key) {
    server_ = ServerContext(key).Begin().value();
    client_ = TlsContext::ForClient().value().Begin("server.example").value();
    EXPECT_EQ(client_->Handshake(), TlsStep::kNeedInput);
    Pump(*client_, *server_);
  }
  static std::string ReadFrom(TlsSession& session) {
    std::array<std::uint8_t, 100> buffer{};
    const auto taken = session.Read(buffer);
    return taken.step == TlsStep::kDone ? std::string(AsText(ByteView(buffer).first(taken.len)))
                                        : "step " + std::to_string(static_cast<int>(taken.step));
  }
  std::unique_ptr<TlsSession> server_, client_;
};

TEST_F(TlsPair, ClientLearnsTheKeyOfTheServer) {
  for (const KeyKind kind : {KeyKind::kP256, KeyKind::kP384, KeyKind::kRsa}) {
    const PrivateKey key = NewKey(kind);
    Connect(key);
    EXPECT_EQ(client_->Handshake(), TlsStep::kDone) << client_->failure();
    EXPECT_EQ(server_->Handshake(), TlsStep::kDone) << server_->failure();
    EXPECT_EQ(client_->peer_key(), key.public_key().digest());
    EXPECT_EQ(server_->peer_key(), std::nullopt);
  }
}

TEST_F(TlsPair, OctetsGoBothWaysUntilOneCloses) {
  Connect(NewKey());
  ASSERT_TRUE(client_->Write(AsBytes("question")));
  Pump(*client_, *server_);
  EXPECT_EQ(ReadFrom(*server_), "question");
  ASSERT_TRUE(server_->Write(AsBytes("answer")));
  server_->Close();
  Pump(*client_, *server_);
  EXPECT_EQ(ReadFrom(*client_), "answer");
  std::array<std::uint8_t, 1> buffer{};
  EXPECT_EQ(client_->Read(buffer).step, TlsStep::kClosed);
}

TEST_F(TlsPair, NothingIsLeftOfAMessageOnTheWay) {
  Connect(NewKey());
  ASSERT_TRUE(client_->Write(AsBytes("a secret password")));
  EXPECT_THAT(std::string(AsText(client_->TakeOutput())), ::testing::Not(HasSubstr("secret")));
}

TEST_F(TlsPair, AlteredOctetsAreRefused) {
  Connect(NewKey());
  ASSERT_TRUE(client_->Write(AsBytes("question")));
  Bytes sent = client_->TakeOutput();
  sent.back() ^= 1;
  server_->Feed(sent);
  std::array<std::uint8_t, 100> buffer{};
  EXPECT_EQ(server_->Read(buffer).step, TlsStep::kFailed);
  EXPECT_FALSE(server_->failure().empty());
  EXPECT_FALSE(server_->TakeOutput().empty());  // the alert
}

TEST_F(TlsPair, NoTicketIsGiven) {
  Connect(NewKey());
  EXPECT_TRUE(server_->TakeOutput().empty());
  EXPECT_EQ(ReadFrom(*client_), "step " + std::to_string(static_cast<int>(TlsStep::kNeedInput)));
}

TEST(Tls, PlainHttpIsNoticed) {
  const auto session = ServerContext(NewKey()).Begin().value();
  session->Feed(AsBytes("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_EQ(session->Handshake(), TlsStep::kFailed);
  EXPECT_TRUE(session->peer_speaks_plainly());
}

TEST(Tls, GarbageIsRefusedByBothSides) {
  for (const auto& session : {ServerContext(NewKey()).Begin().value().release(),
                              TlsContext::ForClient().value().Begin().value().release()}) {
    const std::unique_ptr<TlsSession> owner(session);
    static_cast<void>(owner->Handshake());
    owner->Feed(AsBytes("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    EXPECT_EQ(owner->Handshake(), TlsStep::kFailed);
    EXPECT_FALSE(owner->failure().empty());
    std::array<std::uint8_t, 8> buffer{};
    EXPECT_EQ(owner->Read(buffer).step, TlsStep::kFailed);
    EXPECT_FALSE(owner->Write(AsBytes("x")));
  }
}

TEST(Tls, HandshakeWithoutEndIsCutOff) {
  const auto session = ServerContext(NewKey()).Begin().value();
  // Records of a handshake message that claims to be long.
  Bytes record = {22, 3, 1, 4, 0};
  record.resize(5 + 1024);
  Bytes first = record;
  first[5] = 1;     // ClientHello
  first[6] = 0x01;  // of 120 KiB
  first[7] = 0xe0;
  session->Feed(first);
  std::size_t sent = first.size();
  while (session->Handshake() == TlsStep::kNeedInput && sent < 1'000'000) {
    session->Feed(record);
    sent += record.size();
  }
  EXPECT_EQ(session->Handshake(), TlsStep::kFailed);
  EXPECT_LE(sent, TlsSession::kMaxHandshakeLen + 2 * record.size());
}

TEST(Tls, ServerNeedsAKeyThatFits) {
  const std::vector<Bytes> chain = {CertificateOf(NewKey()).der()};
  const auto context = TlsContext::ForServer(NewKey(), chain);
  ASSERT_FALSE(context.has_value());
  EXPECT_EQ(context.error().code, Code::kUsage);
  EXPECT_FALSE(TlsContext::ForServer(NewKey(), {}).has_value());
  const std::vector<Bytes> damaged = {Bytes(100, 0x30)};
  EXPECT_FALSE(TlsContext::ForServer(NewKey(), damaged).has_value());
}

TEST(TlsCertificate, NamesItsHostsAndNoOthers) {
  const Certificate certificate = CertificateOf(NewKey());
  for (const char* host : {"server.example", "SERVER.example", "192.0.2.1", "2001:db8:0::1"}) {
    EXPECT_TRUE(NamesHost(certificate, host)) << host;
  }
  for (const char* host : {"other.example", "a.server.example", "192.0.2.2", "web host", ""}) {
    EXPECT_FALSE(NamesHost(certificate, host)) << host;
  }
  EXPECT_FALSE(certificate.is_ca());
  EXPECT_EQ(certificate.common_name(), "web host");
}

TEST(TlsCertificate, ImpossibleRequestsAreRefused) {
  const PrivateKey key = NewKey();
  EXPECT_FALSE(MakeTlsCertificate({.common_name = "", .hosts = {}, .not_before = {}}, key));
  EXPECT_FALSE(MakeTlsCertificate(
      {.common_name = std::string(65, 'x'), .hosts = {}, .not_before = {}}, key));
  EXPECT_FALSE(MakeTlsCertificate({.common_name = "x", .hosts = {"a b"}, .not_before = {}}, key));
}

}  // namespace
}  // namespace countersign::crypto
