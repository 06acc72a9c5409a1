#include "keys/file_kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "crypto/pkcs12.h"
#include "tests/support/certificate_factory.h"
#include "tests/support/command.h"

namespace countersign::keys {
namespace {

using countersign::testing::TemporaryFolder;
using ::testing::HasSubstr;

// What the openssl command leaves in the file `out`.
Bytes Made(const std::string& command) {
  const TemporaryFolder folder;
  const auto made = testing::RunCommand(folder,
                                        "openssl req -x509 -newkey rsa:2048 -nodes -keyout key "
                                        "-out cert -subj /CN=x 2>/dev/null && " +
                                            command);
  Check(made.exit_code == 0, made.output);
  return folder.Read("out");
}

Bytes Front(Bytes file, std::size_t len) {
  file.resize(len);
  return file;
}

TEST(FileKindTest, Pkcs12IsKnownWhoeverWroteItAndHoweverMuchIsThere) {
  const Bytes openssl = Made("openssl pkcs12 -export -inkey key -in cert -passout pass:x -out out");
  EXPECT_EQ(RecogniseFile(openssl), FileKind::kPkcs12);
  EXPECT_EQ(RecogniseFile(Front(openssl, 100)), FileKind::kPkcs12) << "truncated";
  const auto ours = crypto::WritePkcs12({}, SecretBytes::OwnText("x"), 10);
  EXPECT_EQ(RecogniseFile(*ours), FileKind::kPkcs12);
  // As NSS writes it: indefinite lengths.
  const Bytes nss = {0x30, 0x80, 0x02, 0x01, 0x03, 0x30, 0x80, 0x06, 0x09, 0x2a, 0x86};
  EXPECT_EQ(RecogniseFile(nss), FileKind::kPkcs12);
}

TEST(FileKindTest, CertificatesAndListsOfThem) {
  EXPECT_EQ(RecogniseFile(Made("openssl x509 -in cert -outform DER -out out")),
            FileKind::kDerCertificate);
  EXPECT_EQ(RecogniseFile(Made("openssl crl2pkcs7 -nocrl -certfile cert -outform DER -out out")),
            FileKind::kPkcs7);
}

TEST(FileKindTest, PrivateKeysOfEveryForm) {
  for (const char* command :
       {"openssl pkcs8 -topk8 -nocrypt -in key -outform DER -out out",
        "openssl pkcs8 -topk8 -passout pass:x -in key -outform DER -out out",
        "openssl rsa -traditional -in key -outform DER -out out",
        "openssl ecparam -name prime256v1 -genkey -noout -outform DER -out out"}) {
    EXPECT_EQ(RecogniseFile(Made(command)), FileKind::kDerPrivateKey) << command;
  }
}

TEST(FileKindTest, PemWithAndWithoutTextBeforeIt) {
  EXPECT_EQ(RecogniseFile(Made("cp key out")), FileKind::kPem);
  EXPECT_EQ(RecogniseFile(Made("openssl x509 -text -in cert -out out")), FileKind::kPem);
  const Bytes far = ToBytes(std::string(70'000, ' ') + "-----BEGIN CERTIFICATE-----");
  EXPECT_EQ(RecogniseFile(far), FileKind::kUnknown);
}

TEST(FileKindTest, OthersByTheirFirstOctets) {
  EXPECT_EQ(RecogniseFile({}), FileKind::kEmpty);
  EXPECT_EQ(RecogniseFile(AsBytes("PK\x03\x04...")), FileKind::kZip);
  EXPECT_EQ(RecogniseFile(AsBytes("PK\x05\x06...")), FileKind::kZip) << "an empty archive";
  EXPECT_EQ(RecogniseFile(Bytes{0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2}), FileKind::kJks);
  EXPECT_EQ(RecogniseFile(Bytes{0xce, 0xce, 0xce, 0xce, 0, 0, 0, 2}), FileKind::kJceks);
}

TEST(FileKindTest, WhatIsNothingOfThisIsUnknown) {
  for (const Bytes& file :
       {ToBytes("hello"), Bytes{0x30}, Bytes{0x30, 0x03}, Bytes{0x30, 0x85, 1, 1, 1, 1, 1},
        Bytes{0x30, 0x03, 0x02, 0x01, 0x03}, Bytes{0x30, 0x05, 0x02, 0x01, 0x05, 0x30, 0x00},
        Bytes{0x30, 0x04, 0x06, 0x02, 0x2a, 0x03}, Bytes{0x30, 0x02, 0x30, 0x00}}) {
    EXPECT_EQ(RecogniseFile(file), FileKind::kUnknown) << file.size();
  }
}

TEST(FileKindTest, EachWrongKindIsNamedWithTheWayOut) {
  const auto expect = [](FileKind kind, std::string_view message, std::string_view next) {
    const Error error = WrongKind(kind);
    EXPECT_EQ(error.code, Code::kMalformed);
    EXPECT_THAT(error.message, HasSubstr(message));
    EXPECT_THAT(error.next, HasSubstr(next));
  };
  expect(FileKind::kEmpty, "0 octets", "");
  expect(FileKind::kZip, "unpack it", "");
  expect(FileKind::kPem, "PEM", "openssl pkcs12 -export -inkey");
  expect(FileKind::kJks, "JKS", "keytool -importkeystore");
  expect(FileKind::kJceks, "JCEKS", "-srcstoretype JCEKS");
  expect(FileKind::kDerCertificate, "without its private key", "-inkey KEY.pem -in FILE");
  expect(FileKind::kDerPrivateKey, "without its certificate", "openssl pkey -inform DER -in FILE");
  expect(FileKind::kPkcs7, "no private key", "");
  expect(FileKind::kUnknown, "known", "");
}

TEST(FileKindTest, NamesAreStable) {
  EXPECT_EQ(FileKindName(FileKind::kPkcs12), "pkcs12");
  EXPECT_EQ(FileKindName(FileKind::kDerCertificate), "der-certificate");
  EXPECT_EQ(FileKindName(FileKind::kDerPrivateKey), "der-private-key");
  EXPECT_EQ(FileKindName(FileKind::kUnknown), "unknown");
}

}  // namespace
}  // namespace countersign::keys
