#include "crypto/ecdsa_signature.h"

#include <algorithm>

#include "crypto/openssl_ptr.h"

namespace countersign::crypto {

EcdsaDer::EcdsaDer(ByteView signature) {
  const std::size_t number_len = signature.size() / 2;
  Append(signature.first(number_len));
  Append(signature.subspan(number_len));
  bytes_[0] = 0x30;
  bytes_[1] = static_cast<std::uint8_t>(len_ - 2);  // at most 102: one octet of length
}

void EcdsaDer::Append(ByteView number) {
  while (number.size() > 1 && number[0] == 0) number = number.subspan(1);
  const bool needs_zero = number[0] >= 0x80;
  bytes_[len_++] = 0x02;
  bytes_[len_++] = static_cast<std::uint8_t>(number.size() + (needs_zero ? 1 : 0));
  if (needs_zero) bytes_[len_++] = 0;
  std::ranges::copy(number, bytes_.begin() + static_cast<std::ptrdiff_t>(len_));
  len_ += number.size();
}

std::optional<Bytes> EcdsaFixedFromDer(ByteView der, std::size_t number_len) {
  const auto pair = DecodeDer<EcdsaSigPtr, &d2i_ECDSA_SIG>(der);
  if (!pair) return std::nullopt;
  Bytes out(2 * number_len);
  const int len = static_cast<int>(number_len);
  if (BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), out.data(), len) != len ||
      BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), out.data() + number_len, len) != len) {
    return std::nullopt;
  }
  return out;
}

}  // namespace countersign::crypto
