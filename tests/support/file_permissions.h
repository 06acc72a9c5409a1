#pragma once

#include <filesystem>

namespace countersign::testing {

// What a file written with FileMode::kPrivate or FileMode::kPublic permits.
inline constexpr std::filesystem::perms kPrivateFile =
    std::filesystem::perms::owner_read | std::filesystem::perms::owner_write;
inline constexpr std::filesystem::perms kPublicFile =
    kPrivateFile | std::filesystem::perms::group_read | std::filesystem::perms::others_read;

}  // namespace countersign::testing
