#include "crypto/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "crypto/keys_impl.h"
#include "crypto/openssl_ptr.h"
#include "tests/support/certificate_factory.h"
#include "tests/support/command.h"

namespace countersign::crypto {
namespace {

using countersign::testing::Identity;
using countersign::testing::OddOptions;
using countersign::testing::ServerOptions;
using countersign::testing::TestAuthority;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Change = std::function<void(X509*)>;

void AddExtension(X509* certificate, int nid, const char* value) {
  const OpenSslPtr<X509_EXTENSION, &X509_EXTENSION_free> extension(
      X509V3_EXT_nconf_nid(nullptr, nullptr, nid, value));
  Check(extension && X509_add_ext(certificate, extension.get(), -1) == 1, value);
}

void AddName(X509_NAME* name, int nid, int type, std::string_view value, int set = 0) {
  Check(X509_NAME_add_entry_by_NID(name, nid, type, AsBytes(value).data(),
                                   static_cast<int>(value.size()), -1, set) == 1,
        "name entry");
}

std::string Refusal(ByteView der) {
  const Result<Certificate> certificate = Certificate::Parse(der);
  if (certificate) return "(accepted)";
  EXPECT_EQ(certificate.error().code, Code::kMalformed);
  return certificate.error().message;
}

class CertificateTest : public ::testing::Test {
 protected:
  // A self-signed certificate, changed before it is signed.
  Bytes Made(const Change& change, const EVP_MD* digest = EVP_sha256()) {
    return MadeBy(key_.impl().key.get(), change, digest);
  }
  static Bytes MadeBy(EVP_PKEY* key, const Change& change, const EVP_MD* digest) {
    const X509Ptr certificate(X509_new());
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 7);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 1000);
    X509_set_pubkey(certificate.get(), key);
    change(certificate.get());
    Check(X509_sign(certificate.get(), key, digest) > 0, "signature");
    return EncodeDer<&i2d_X509>(certificate.get());
  }
  static Certificate Parsed(ByteView der) {
    Result<Certificate> certificate = Certificate::Parse(der);
    Check(certificate.has_value(), certificate ? "" : certificate.error().message);
    return std::move(*certificate);
  }
  std::optional<std::uint64_t> GenerationWith(const std::function<void(X509_NAME*)>& fill) {
    return Parsed(Made([&](X509* x509) { fill(X509_get_subject_name(x509)); })).generation();
  }
  [[nodiscard]] Bytes ServerDer() {
    return authority_.MakeServer(owner_, {.server_ids = {authority_.MakeServerId()}})
        .certificate.der();
  }

  TestAuthority authority_;
  const PrivateKey key_ = authority_.MakeKey();
  const Identity owner_ = authority_.MakeOwner();
};

TEST_F(CertificateTest, PlainOneIsAccepted) {
  const Bytes der = Made([](X509*) {});
  const Certificate certificate = Parsed(der);
  EXPECT_EQ(certificate.der(), der);
  EXPECT_EQ(certificate.thumbprint(), Sha256(der));
  EXPECT_EQ(certificate.key(), key_.public_key());
  EXPECT_EQ(certificate.key().digest(), key_.public_key().digest());
  EXPECT_FALSE(certificate.is_ca());
  EXPECT_FALSE(certificate.has_authority_key_id());
  EXPECT_FALSE(certificate.generation());
  EXPECT_TRUE(certificate.server_ids().empty());
  EXPECT_EQ(certificate.common_name(), "");
  EXPECT_TRUE(certificate.IsSignedBy(key_.public_key()));
}

TEST_F(CertificateTest, WhatIsNoCertificateIsRefused) {
  EXPECT_THAT(Refusal({}), HasSubstr("not the DER"));
  EXPECT_THAT(Refusal(AsBytes("-----BEGIN CERTIFICATE-----")), HasSubstr("not the DER"));
  EXPECT_THAT(Refusal(key_.public_key().spki()), HasSubstr("not the DER"));
}

TEST_F(CertificateTest, OctetsAfterTheEndAreRefused) {
  Bytes der = ServerDer();
  der.push_back(0);
  EXPECT_THAT(Refusal(der), HasSubstr("not the DER of one certificate"));
}

TEST_F(CertificateTest, EveryTruncationIsRefused) {
  const Bytes der = ServerDer();
  for (std::size_t len = 0; len < der.size(); ++len) {
    EXPECT_FALSE(Certificate::Parse(ByteView(der).first(len))) << len;
  }
}

// The signature covers everything, or what it does not cover must be equal to what it does.
TEST_F(CertificateTest, NoChangedOctetIsBothAcceptedAndSigned) {
  const Bytes der = ServerDer();
  for (std::size_t i = 0; i < der.size(); ++i) {
    for (const int bit : {0, 5, 7}) {
      Bytes changed = der;
      changed[i] = static_cast<std::uint8_t>(changed[i] ^ (1 << bit));
      const auto certificate = Certificate::Parse(changed);
      EXPECT_FALSE(certificate && certificate->IsSignedBy(owner_.key.public_key())) << i;
    }
  }
}

TEST_F(CertificateTest, LongestAndOneLonger) {
  const auto with_comment = [&](std::size_t len) {
    return Made([len](X509* x509) {
      AddExtension(x509, NID_netscape_comment, std::string(len, 'x').c_str());
    });
  };
  const std::size_t overhead = with_comment(15'000).size() - 15'000;
  std::size_t len = Certificate::kMaxLen - overhead - 16;
  Bytes der = with_comment(len);
  EXPECT_EQ(Refusal(der), "(accepted)");
  EXPECT_THAT(Refusal(with_comment(Certificate::kMaxLen)), HasSubstr("16 KiB"));
}

TEST_F(CertificateTest, Version1IsRefused) {
  EXPECT_THAT(Refusal(Made([](X509* x509) { X509_set_version(x509, X509_VERSION_1); })),
              HasSubstr("version 3"));
  EXPECT_THAT(Refusal(Made([](X509* x509) { X509_set_version(x509, X509_VERSION_2); })),
              HasSubstr("version 3"));
}

TEST_F(CertificateTest, AllowedSignatureAlgorithms) {
  const PrivateKey rsa = authority_.MakeKey(KeyKind::kRsa);
  const PrivateKey p384 = authority_.MakeKey(KeyKind::kP384);
  const auto accepted = [](const PrivateKey& key, const EVP_MD* digest) {
    const auto certificate = Certificate::Parse(MadeBy(key.impl().key.get(), [](X509*) {}, digest));
    return certificate && certificate->IsSignedBy(key.public_key());
  };
  EXPECT_TRUE(accepted(key_, EVP_sha256()));
  EXPECT_TRUE(accepted(key_, EVP_sha384()));
  EXPECT_TRUE(accepted(p384, EVP_sha256()));
  EXPECT_TRUE(accepted(p384, EVP_sha384()));
  EXPECT_TRUE(accepted(rsa, EVP_sha256()));
  EXPECT_TRUE(accepted(rsa, EVP_sha384()));
  EXPECT_TRUE(accepted(rsa, EVP_sha512()));
  EXPECT_FALSE(accepted(key_, EVP_sha1()));
  EXPECT_FALSE(accepted(key_, EVP_sha224()));
  EXPECT_FALSE(accepted(key_, EVP_sha512()));
  EXPECT_FALSE(accepted(rsa, EVP_sha1()));
  EXPECT_FALSE(accepted(rsa, EVP_sha224()));
}

TEST_F(CertificateTest, RsaPssSignatureIsRefused) {
  const PrivateKey rsa = authority_.MakeKey(KeyKind::kRsa);
  const X509Ptr x509 =
      DecodeDer<X509Ptr, &d2i_X509>(MadeBy(rsa.impl().key.get(), [](X509*) {}, EVP_sha256()));
  const EvpMdCtxPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  ASSERT_EQ(
      EVP_DigestSignInit(context.get(), &parameters, EVP_sha256(), nullptr, rsa.impl().key.get()),
      1);
  ASSERT_EQ(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING), 1);
  ASSERT_GT(X509_sign_ctx(x509.get(), context.get()), 0);
  EXPECT_THAT(Refusal(EncodeDer<&i2d_X509>(x509.get())), HasSubstr("algorithm is not allowed"));
}

TEST_F(CertificateTest, OuterAlgorithmThatDiffersIsRefused) {
  Bytes der = Made([](X509*) {});
  // ecdsa-with-SHA256 ends in 02, ecdsa-with-SHA384 in 03; the outer one stands last.
  const Bytes oid = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
  const auto outer = std::find_end(der.begin(), der.end(), oid.begin(), oid.end());
  ASSERT_NE(outer, der.end());
  *(outer + 9) = 0x03;
  EXPECT_THAT(Refusal(der), HasSubstr("differ"));
}

TEST_F(CertificateTest, KeyThatIsNotAllowedIsRefusedWithTheReason) {
  const EvpPkeyPtr p521(EVP_EC_gen("P-521"));
  EXPECT_THAT(Refusal(MadeBy(p521.get(), [](X509*) {}, EVP_sha256())), HasSubstr("another curve"));
}

TEST_F(CertificateTest, DuplicateExtensionIsRefused) {
  EXPECT_THAT(Refusal(Made([](X509* x509) {
                AddExtension(x509, NID_basic_constraints, "critical,CA:FALSE");
                AddExtension(x509, NID_key_usage, "digitalSignature");
                AddExtension(x509, NID_basic_constraints, "critical,CA:FALSE");
              })),
              HasSubstr("Basic Constraints occurs twice"));
  EXPECT_THAT(Refusal(Made([](X509* x509) {
                AddExtension(x509, NID_netscape_comment, "one");
                AddExtension(x509, NID_netscape_comment, "two");
              })),
              HasSubstr("twice"));
}

TEST_F(CertificateTest, UnknownExtensionIsAcceptedUnlessCritical) {
  EXPECT_EQ(Refusal(Made([](X509* x509) { AddExtension(x509, NID_netscape_comment, "hello"); })),
            "(accepted)");
  EXPECT_THAT(
      Refusal(Made([](X509* x509) { AddExtension(x509, NID_netscape_comment, "critical,hello"); })),
      HasSubstr("is critical and not known"));
  EXPECT_THAT(Refusal(Made([](X509* x509) {
                AddExtension(x509, NID_name_constraints, "critical,permitted;DNS:example");
              })),
              HasSubstr("is critical and not known"));
}

TEST_F(CertificateTest, KnownExtensionsMayBeCritical) {
  EXPECT_EQ(Refusal(Made([](X509* x509) {
              AddExtension(x509, NID_basic_constraints, "critical,CA:TRUE,pathlen:3");
              AddExtension(x509, NID_key_usage, "critical,keyCertSign,cRLSign");
              AddExtension(x509, NID_ext_key_usage, "critical,serverAuth");
              AddExtension(x509, NID_subject_alt_name, "critical,DNS:example");
              AddExtension(x509, NID_subject_key_identifier, "00:11");
              AddExtension(x509, NID_authority_key_identifier, "critical,DER:30:03:80:01:05");
            })),
            "(accepted)");
}

TEST_F(CertificateTest, KnownExtensionThatDoesNotParseIsRefused) {
  for (const int nid :
       {NID_basic_constraints, NID_key_usage, NID_ext_key_usage, NID_subject_key_identifier,
        NID_authority_key_identifier, NID_subject_alt_name}) {
    EXPECT_THAT(Refusal(Made([nid](X509* x509) { AddExtension(x509, nid, "DER:0c:01:41"); })),
                HasSubstr("is not the DER"))
        << OBJ_nid2sn(nid);
  }
}

TEST_F(CertificateTest, OctetsAfterAnExtensionAreRefused) {
  EXPECT_EQ(
      Refusal(Made([](X509* x509) { AddExtension(x509, NID_basic_constraints, "DER:30:00"); })),
      "(accepted)");
  EXPECT_THAT(Refusal(Made([](X509* x509) {
                AddExtension(x509, NID_basic_constraints, "DER:30:00:05:00");
              })),
              HasSubstr("is not the DER"));
}

TEST_F(CertificateTest, LengthThatIsNotMinimalIsRefused) {
  const Bytes der = Made([](X509*) {});
  ASSERT_EQ(der[1], 0x81);  // one octet of length follows
  Bytes longer = {0x30, 0x82, 0x00};
  longer.insert(longer.end(), der.begin() + 2, der.end());
  EXPECT_THAT(Refusal(longer), HasSubstr("not the DER"));
}

TEST_F(CertificateTest, ValidityIsReadInBothForms) {
  const Certificate certificate = Parsed(Made([](X509* x509) {
    ASN1_TIME_set_string(X509_getm_notBefore(x509), "261121233800Z");
    ASN1_TIME_set_string(X509_getm_notAfter(x509), "99991231235959Z");
  }));
  EXPECT_EQ(FormatUtc(certificate.not_before()), "2026-11-21T23:38:00Z");
  EXPECT_EQ(FormatUtc(certificate.not_after()), "9999-12-31T23:59:59Z");
}

TEST_F(CertificateTest, DatesOfOtherFormsAreRefused) {
  for (const char* date : {"261121233800+0100", "2611212338Z", "20261121233800.5Z"}) {
    EXPECT_THAT(
        Refusal(Made([date](X509* x509) { ASN1_STRING_set(X509_getm_notBefore(x509), date, -1); })),
        HasSubstr("date"))
        << date;
  }
}

TEST_F(CertificateTest, GenerationIsADecimalDnQualifier) {
  const auto with = [&](std::string_view text) {
    return GenerationWith([text](X509_NAME* name) {
      AddName(name, NID_commonName, V_ASN1_UTF8STRING, "x");
      AddName(name, NID_dnQualifier, V_ASN1_PRINTABLESTRING, text);
    });
  };
  EXPECT_EQ(with("1"), 1U);
  EXPECT_EQ(with("1795304280"), 1795304280U);
  EXPECT_EQ(with("9007199254740991"), 9007199254740991U);
  for (const char* text : {"9007199254740992", "9999999999999999", "10000000000000000", "0", "01",
                           "+1", "-1", "1 ", " 1", "1.0", "1e3", "0x1", "one"}) {
    EXPECT_FALSE(with(text)) << text;
  }
}

TEST_F(CertificateTest, GenerationOfAnotherStringTypeCountsAsNone) {
  for (const int type : {V_ASN1_UTF8STRING, V_ASN1_IA5STRING, V_ASN1_T61STRING}) {
    EXPECT_FALSE(
        GenerationWith([type](X509_NAME* name) { AddName(name, NID_dnQualifier, type, "5"); }));
  }
}

TEST_F(CertificateTest, TwoGenerationsCountAsNone) {
  EXPECT_FALSE(GenerationWith([](X509_NAME* name) {
    AddName(name, NID_dnQualifier, V_ASN1_PRINTABLESTRING, "5");
    AddName(name, NID_dnQualifier, V_ASN1_PRINTABLESTRING, "5");
  }));
}

TEST_F(CertificateTest, GenerationThatSharesItsRdnCountsAsNone) {
  EXPECT_FALSE(GenerationWith([](X509_NAME* name) {
    AddName(name, NID_commonName, V_ASN1_UTF8STRING, "x");
    AddName(name, NID_dnQualifier, V_ASN1_PRINTABLESTRING, "5", -1);
  }));
}

TEST_F(CertificateTest, GenerationInTheIssuerOnlyCountsAsNone) {
  EXPECT_FALSE(Parsed(Made([](X509* x509) {
                 AddName(X509_get_issuer_name(x509), NID_dnQualifier, V_ASN1_PRINTABLESTRING, "5");
               })).generation());
}

TEST_F(CertificateTest, ServerIdsAreTheUrisOfTheOneForm) {
  const Certificate certificate = Parsed(Made([](X509* x509) {
    AddExtension(x509, NID_subject_alt_name,
                 "DNS:urn:uuid:00000000-0000-4000-8000-000000000001,"
                 "URI:urn:uuid:00000000-0000-4000-8000-000000000003,URI:https://example,"
                 "URI:urn:uuid:00000000-0000-4000-8000-00000000000A,"
                 "URI:urn:uuid:00000000-0000-4000-8000-000000000002");
  }));
  const auto id = [](char last) {
    return *ServerId::ParseText(std::string("00000000-0000-4000-8000-00000000000") + last);
  };
  EXPECT_THAT(certificate.server_ids(), ElementsAre(id('3'), id('2')));
  EXPECT_TRUE(certificate.Names(id('2')));
  EXPECT_FALSE(certificate.Names(id('1')));
}

TEST_F(CertificateTest, AuthorityKeyIdOf32OctetsIsADigest) {
  const auto with = [&](const char* value) {
    return Parsed(
        Made([value](X509* x509) { AddExtension(x509, NID_authority_key_identifier, value); }));
  };
  const std::string id(64, 'a');
  const Certificate digest = with(("DER:30228020" + id).c_str());
  ASSERT_TRUE(digest.authority_key_id());
  EXPECT_EQ(HexLower(*digest.authority_key_id()), id);
  EXPECT_TRUE(digest.has_authority_key_id());
  for (const char* other :
       {"DER:30168014aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "DER:3000", "DER:3003820105"}) {
    EXPECT_FALSE(with(other).authority_key_id()) << other;
    EXPECT_TRUE(with(other).has_authority_key_id()) << other;
  }
}

TEST_F(CertificateTest, SigningCertificatesNeedsBothExtensions) {
  const auto with = [&](const char* constraints, const char* usage) {
    return Parsed(Made([=](X509* x509) {
      if (constraints != nullptr) AddExtension(x509, NID_basic_constraints, constraints);
      if (usage != nullptr) AddExtension(x509, NID_key_usage, usage);
    }));
  };
  EXPECT_TRUE(with("CA:TRUE", "keyCertSign").may_sign_certificates());
  EXPECT_FALSE(with("CA:TRUE", "digitalSignature").may_sign_certificates());
  EXPECT_FALSE(with("CA:TRUE", nullptr).may_sign_certificates());
  EXPECT_TRUE(with("CA:TRUE", nullptr).is_ca());
  EXPECT_FALSE(with("CA:FALSE", "keyCertSign").may_sign_certificates());
  EXPECT_FALSE(with(nullptr, "keyCertSign").may_sign_certificates());
  EXPECT_FALSE(with(nullptr, "keyCertSign").is_ca());
}

TEST_F(CertificateTest, OnlyTheSigningKeyVerifies) {
  const Certificate certificate = Parsed(Made([](X509*) {}));
  EXPECT_TRUE(certificate.IsSignedBy(key_.public_key()));
  EXPECT_FALSE(certificate.IsSignedBy(owner_.key.public_key()));
  EXPECT_FALSE(certificate.IsSignedBy(authority_.MakeKey(KeyKind::kRsa).public_key()));
  EXPECT_FALSE(certificate.IsSignedBy(authority_.MakeKey(KeyKind::kP384).public_key()));
}

TEST_F(CertificateTest, NamesAreSafeToPrint) {
  const auto named = [&](int type, std::string_view value) {
    return Parsed(Made(
        [=](X509* x509) { AddName(X509_get_subject_name(x509), NID_commonName, type, value); }));
  };
  EXPECT_EQ(named(V_ASN1_UTF8STRING, "Gr\xc3\xbc\xc3\x9f, Gott").common_name(),
            "Gr\xc3\xbc\xc3\x9f, Gott");
  EXPECT_EQ(named(V_ASN1_UTF8STRING, "Gr\xc3\xbc\xc3\x9f, Gott").subject(),
            "CN=Gr\xc3\xbc\xc3\x9f\\, Gott");
  EXPECT_EQ(named(V_ASN1_UTF8STRING, "a\n\x1b[31m").common_name(), "a\\0A\\1B[31m");
  EXPECT_EQ(named(V_ASN1_UTF8STRING, std::string_view("a\0b", 3)).common_name(), "a\\00b");
  for (const char* hostile : {"\xc2\x9b"
                              "31m",
                              "\xef\xbf\xbe"}) {
    const Certificate certificate = named(V_ASN1_UTF8STRING, hostile);
    EXPECT_TRUE(IsPrintableUtf8(certificate.common_name())) << certificate.common_name();
    EXPECT_TRUE(IsPrintableUtf8(certificate.subject())) << certificate.subject();
    EXPECT_FALSE(certificate.common_name().empty());
  }
}

TEST_F(CertificateTest, AgreesWithTheOpenSslCommand) {
  const countersign::testing::TemporaryFolder folder;
  for (const char* serial : {"1", "0x00", "0x7fffffffffffffffffffffffffffffff",
                             "0x80000000000000000000000000000000", "-5"}) {
    const auto made =
        RunCommand(folder,
                   "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k "
                   "-subj '/O=A/CN=B' -utf8 -outform DER -out c.der -set_serial " +
                       std::string(serial));
    ASSERT_EQ(made.exit_code, 0) << made.output;
    const Certificate certificate = Parsed(folder.Read("c.der"));
    EXPECT_EQ(RunCommand(folder, "openssl x509 -inform DER -in c.der -noout -serial").output,
              "serial=" + certificate.serial() + "\n");
    EXPECT_EQ(
        RunCommand(folder, "openssl x509 -inform DER -in c.der -noout -subject -nameopt RFC2253")
            .output,
        "subject=" + certificate.subject() + "\n");
    EXPECT_EQ(RunCommand(folder,
                         "openssl x509 -in c.der -noout -pubkey | openssl pkey -pubin "
                         "-outform DER -out spki")
                  .exit_code,
              0);
    EXPECT_EQ(folder.Read("spki"), certificate.key().spki());
    EXPECT_TRUE(certificate.is_ca());
    EXPECT_TRUE(certificate.IsSignedBy(certificate.key()));
  }
}

}  // namespace
}  // namespace countersign::crypto
