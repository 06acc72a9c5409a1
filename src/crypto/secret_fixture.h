#pragma once

// What the tests with passwords share.

#include <string_view>

#include "base/secret.h"

namespace countersign::crypto {

inline SecretBytes Secret(std::string_view text) { return SecretBytes::OwnText(text); }

}  // namespace countersign::crypto
