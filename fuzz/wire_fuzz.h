#pragma once

#include <cstdint>
#include <string>

#include "base/encoding.h"
#include "crypto/keys.h"

// What the fuzz targets of src/wire share.
namespace countersign::fuzz {

// MessageOf is the input as it stands; or, where it has a line end, the message whose header is all
// before that and whose payload all after it. So a mutation reaches the JSON without having to find
// its way through base64url.
inline std::string MessageOf(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = AsText({data, size});
  const std::size_t end = input.find('\n');
  if (end == std::string_view::npos) return std::string(input);
  return Base64UrlEncode(AsBytes(input.substr(0, end))) + "." +
         Base64UrlEncode(AsBytes(input.substr(end + 1))) + ".c2ln";
}

// CheckRefusal: any other failure would be ours, and the words must be fit to show.
inline void CheckRefusal(const Error& error, Code code) {
  Check(error.code == code, error.message);
  Check(!error.message.empty() && IsPrintableUtf8(error.message), "unprintable words");
}

// StrangerKey is a key whose private half was thrown away: nothing is ever signed by it.
inline const crypto::PublicKey& StrangerKey() {
  static const crypto::PublicKey key =
      crypto::PublicKey::FromP256(
          Base64UrlDecodeFixed<32>("iJcWvzdAnEUowr7CA6-F8x_nnBa_HuwcFxFaPeCJTU4").value(),
          Base64UrlDecodeFixed<32>("K4XI76ORU6JO2UV6dCLI4R9humPaUWa8KmPDppeg7Pw").value())
          .value();
  return key;
}

// OurKey signs what a target parsed, to be parsed again.
inline const crypto::PrivateKey& OurKey() {
  static const crypto::PrivateKey key =
      crypto::PrivateKey::Generate(crypto::KeyKind::kP256).value();
  return key;
}

}  // namespace countersign::fuzz
