#include "crypto/certificate_name.h"

#include <array>
#include <charconv>

#include "base/encoding.h"

namespace countersign::crypto {
namespace {

// Printed as UTF-8 if that is harmless, otherwise with everything beyond ASCII escaped: a name may
// carry C1 controls, which terminals obey. (OpenSSL refuses names that are not text at all.)
template <class Print>
std::string FirstPrintable(Print print, unsigned long flags) {
  constexpr std::array<unsigned long, 2> kMore = {0, ASN1_STRFLGS_ESC_MSB};
  for (const unsigned long more : kMore) {
    const BioPtr out(BIO_new(BIO_s_mem()));
    Check(out != nullptr, "out of memory");
    if (print(out.get(), flags | more) < 0) continue;
    char* data = nullptr;
    const long len = BIO_get_mem_data(out.get(), &data);
    const std::string_view text(data, static_cast<std::size_t>(len));
    if (IsPrintableUtf8(text)) return std::string(text);
  }
  ForgetOpenSslErrors();
  return "(unprintable)";
}

std::optional<std::uint64_t> ParseGeneration(std::string_view digits) {
  if (digits.empty() || digits.size() > 16 || digits[0] == '0') return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  if (value > kMaxGeneration) return std::nullopt;
  return value;
}

std::string CurveName(const EVP_PKEY* key) {
  std::array<char, 80> name{};
  std::size_t len = 0;
  if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &len) != 1) return "explicit curve";
  const char* const nist = EC_curve_nid2nist(OBJ_sn2nid(name.data()));
  return nist != nullptr ? nist : name.data();
}

}  // namespace

std::string PrintableName(const X509_NAME* name) {
  return FirstPrintable(
      [name](BIO* out, unsigned long flags) { return X509_NAME_print_ex(out, name, 0, flags); },
      XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
}

std::string PrintableCommonName(const X509_NAME* name) {
  const int index = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (index < 0) return {};
  const ASN1_STRING* const value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index));
  return FirstPrintable(
      [value](BIO* out, unsigned long flags) { return ASN1_STRING_print_ex(out, value, flags); },
      ASN1_STRFLGS_ESC_CTRL | ASN1_STRFLGS_UTF8_CONVERT);
}

std::string PrintableSerial(const ASN1_INTEGER* serial) {
  const std::string digits = HexUpper(
      {ASN1_STRING_get0_data(serial), static_cast<std::size_t>(ASN1_STRING_length(serial))});
  const bool negative = ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER;
  return (negative ? "-" : "") + (digits.empty() ? "00" : digits);
}

std::string PrintableKey(const EVP_PKEY* key) {
  if (key == nullptr) return "unknown";
  if (EVP_PKEY_is_a(key, "EC") == 1) return "EC " + CurveName(key);
  const char* const type = EVP_PKEY_get0_type_name(key);
  const std::string name = type != nullptr ? type : "unknown";
  const bool sized = EVP_PKEY_is_a(key, "RSA") == 1 || EVP_PKEY_is_a(key, "RSA-PSS") == 1 ||
                     EVP_PKEY_is_a(key, "DSA") == 1;
  return sized ? name + " " + std::to_string(EVP_PKEY_get_bits(key)) : name;
}

std::optional<std::uint64_t> GenerationOf(const X509_NAME* subject) {
  const int index = X509_NAME_get_index_by_NID(subject, NID_dnQualifier, -1);
  if (index < 0 || X509_NAME_get_index_by_NID(subject, NID_dnQualifier, index) >= 0) {
    return std::nullopt;
  }
  const X509_NAME_ENTRY* const entry = X509_NAME_get_entry(subject, index);
  for (int i = 0; i < X509_NAME_entry_count(subject); ++i) {
    const bool same_rdn =
        X509_NAME_ENTRY_set(X509_NAME_get_entry(subject, i)) == X509_NAME_ENTRY_set(entry);
    if (i != index && same_rdn) return std::nullopt;
  }
  const ASN1_STRING* const value = X509_NAME_ENTRY_get_data(entry);
  if (ASN1_STRING_type(value) != V_ASN1_PRINTABLESTRING) return std::nullopt;
  return ParseGeneration(
      AsText({ASN1_STRING_get0_data(value), static_cast<std::size_t>(ASN1_STRING_length(value))}));
}

}  // namespace countersign::crypto
