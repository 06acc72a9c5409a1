#include "crypto/pkcs12_password.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "base/encoding.h"
#include "crypto/openssl_ptr.h"

namespace countersign::crypto {
namespace {

bool IsAscii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Sealed moves octets that were built into memory that is wiped.
SecretBytes Sealed(Bytes& octets) {
  SecretBytes secret{ByteView(octets)};
  Wipe(octets);
  return secret;
}

// Each octet as one letter of Latin-1.
SecretBytes Utf8OfLatin1(ByteView latin1) {
  Bytes utf8;
  utf8.reserve(2 * latin1.size());  // one buffer, of which no copy stays behind
  for (const std::uint8_t octet : latin1) {
    if (octet >= 0x80) utf8.push_back(static_cast<std::uint8_t>(0xc0 | octet >> 6));
    utf8.push_back(octet < 0x80 ? octet : static_cast<std::uint8_t>(0x80 | (octet & 0x3f)));
  }
  return Sealed(utf8);
}

// Nothing if a letter is beyond U+00FF. REQUIRES: well-formed UTF-8.
std::optional<SecretBytes> Latin1OfUtf8(ByteView utf8) {
  Bytes latin1;
  latin1.reserve(utf8.size());
  bool fits = true;
  for (std::size_t i = 0; i < utf8.size() && fits; ++i) {
    if (utf8[i] < 0x80) {
      latin1.push_back(utf8[i]);
    } else if (utf8[i] <= 0xc3 && i + 1 < utf8.size()) {
      latin1.push_back(static_cast<std::uint8_t>((utf8[i] & 0x03) << 6 | (utf8[i + 1] & 0x3f)));
      ++i;
    } else {
      fits = false;
    }
  }
  SecretBytes sealed = Sealed(latin1);
  if (!fits) return std::nullopt;
  return sealed;
}

// With the two zeroes at its end (RFC 7292 B.1).
std::optional<SecretBytes> BmpOf(const SecretBytes& password) {
  unsigned char* bmp = nullptr;
  int len = 0;
  if (OPENSSL_utf82uni(password.empty() ? "" : password.text().data(),
                       static_cast<int>(password.size()), &bmp, &len) == nullptr) {
    ForgetOpenSslErrors();
    return std::nullopt;
  }
  SecretBytes sealed(ByteView(bmp, static_cast<std::size_t>(len)));
  OPENSSL_clear_free(bmp, static_cast<std::size_t>(len));
  return sealed;
}

}  // namespace

const char* PasswordForm::text() const {
  if (none) return nullptr;
  return octets.empty() ? "" : octets.text().data();
}

std::vector<PasswordForm> Pkcs12Forms(const SecretBytes& password) {
  std::vector<PasswordForm> forms;
  forms.push_back({.octets = password.Clone()});
  if (password.empty()) {
    forms.push_back({.octets = {}, .none = true});
  } else if (!IsAscii(password.text()) && IsPrintableUtf8(password.text())) {
    forms.push_back({.octets = Utf8OfLatin1(password.view())});
  }
  return forms;
}

std::vector<PasswordForm> Pbkdf2Forms(const SecretBytes& password) {
  std::vector<PasswordForm> forms;
  forms.push_back({.octets = password.Clone()});
  if (auto bmp = BmpOf(password)) forms.push_back({.octets = *std::move(bmp)});
  if (IsAscii(password.text())) return forms;
  if (!IsPrintableUtf8(password.text())) {
    forms.push_back({.octets = Utf8OfLatin1(password.view())});
  } else if (auto latin1 = Latin1OfUtf8(password.view())) {
    forms.push_back({.octets = *std::move(latin1)});
  }
  return forms;
}

}  // namespace countersign::crypto
