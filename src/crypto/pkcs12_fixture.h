#pragma once

// What the tests of PKCS#12 share.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/keys_impl.h"
#include "crypto/openssl_ptr.h"
#include "crypto/pkcs12.h"
#include "crypto/secret_fixture.h"
#include "tests/support/certificate_factory.h"
#include "tests/support/command.h"

namespace countersign::crypto {

inline constexpr int kFew = 10;  // iterations: these tests are not about the cost of guessing

inline void ReplaceAll(Bytes& in, const Bytes& from, const Bytes& to, int expected) {
  int found = 0;
  for (auto at = in.begin();; ++found) {
    at = std::search(at, in.end(), from.begin(), from.end());
    if (at == in.end()) break;
    at = std::copy(to.begin(), to.end(), at);
  }
  ASSERT_EQ(found, expected);
}

class Pkcs12Test : public ::testing::Test {
 protected:
  [[nodiscard]] Pkcs12Contents Contents() {
    Pkcs12Contents contents;
    contents.keys.push_back({.key = owner_.key, .friendly_name = "owner"});
    contents.keys.push_back({.key = authority_.MakeKey(KeyKind::kP384), .friendly_name = ""});
    contents.certificates.push_back(
        {.der = owner_.certificate.der(), .friendly_name = "Besitzer \xc3\xbc"});
    contents.secrets.push_back(
        {.friendly_name = "countersign manifest", .data = ToBytes("{\"format\":1}")});
    return contents;
  }
  [[nodiscard]] Bytes Written(int iterations = kFew) {
    Result<Bytes> file = WritePkcs12(Contents(), Secret("correct horse"), iterations);
    Check(file.has_value(), file ? "" : file.error().message);
    return std::move(*file);
  }
  // A file of the given safes, as another program might write it.
  [[nodiscard]] static Bytes FileOf(const STACK_OF(PKCS7) * safes) {
    const Pkcs12Ptr file(PKCS12_add_safes(const_cast<STACK_OF(PKCS7)*>(safes), 0));
    Check(file && PKCS12_set_mac(file.get(), "pw", 2, nullptr, 8, 5, EVP_sha256()) == 1, "MAC");
    return EncodeDer<&i2d_PKCS12>(file.get());
  }
  [[nodiscard]] static Bytes FileOfPlainBags(const SafeBagStackPtr& bags) {
    const Pkcs7StackPtr safes(sk_PKCS7_new_null());
    sk_PKCS7_push(safes.get(), PKCS12_pack_p7data(bags.get()));
    return FileOf(safes.get());
  }
  [[nodiscard]] static Bytes FileOfEncryptedBags(const SafeBagStackPtr& bags) {
    const Pkcs7StackPtr safes(sk_PKCS7_new_null());
    unsigned char salt[8] = {};
    sk_PKCS7_push(safes.get(), PKCS12_pack_p7encdata(NID_aes_256_cbc, "pw", 2, salt, sizeof salt, 5,
                                                     bags.get()));
    return FileOf(safes.get());
  }
  // A shrouded key that says that it takes so many iterations, and holds nothing.
  [[nodiscard]] static SafeBagPtr ShroudedBag(X509_ALGOR* algorithm) {
    const AlgorPtr owned(algorithm);
    OpenSslPtr<X509_SIG, &X509_SIG_free> shrouded(X509_SIG_new());
    X509_ALGOR* inner = nullptr;
    ASN1_OCTET_STRING* data = nullptr;
    X509_SIG_getm(shrouded.get(), &inner, &data);
    Check(X509_ALGOR_copy(inner, algorithm) == 1, "algorithm");
    ASN1_OCTET_STRING_set(data, AsBytes("0123456789abcdef").data(), 16);
    return SafeBagPtr(PKCS12_SAFEBAG_create0_pkcs8(shrouded.release()));
  }
  [[nodiscard]] static Error ReadError(ByteView file, std::string_view password = "pw") {
    const auto read = ReadPkcs12(file, Secret(password));
    return read ? Error{Code::kInternal, "(read)"} : read.error();
  }
  // A key and its certificate as PEM, for the openssl command.
  void WritePem(const countersign::testing::TemporaryFolder& folder,
                const countersign::testing::Identity& identity) {
    folder.Write("key.der", identity.key.ToPkcs8(KeyExportToken()).view());
    folder.Write("cert.der", identity.certificate.der());
    const auto made =
        countersign::testing::RunCommand(folder,
                                         "openssl pkey -inform DER -in key.der -out id.pem && "
                                         "openssl x509 -inform DER -in cert.der >> id.pem");
    ASSERT_EQ(made.exit_code, 0) << made.output;
  }

  countersign::testing::TestAuthority authority_;
  const countersign::testing::Identity owner_ = authority_.MakeOwner();
};

}  // namespace countersign::crypto
