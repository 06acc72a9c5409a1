#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace countersign {

// SecretBytes holds a password or key material: move-only, wiped when it goes, compared in constant
// time, and without any way to print it. Its memory is kept out of core dumps and swap where the
// system allows it (mlock/MADV_DONTDUMP are best effort).
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(ByteView bytes);
  // OwnText copies a password; wipe the original yourself (WipeText).
  [[nodiscard]] static SecretBytes OwnText(std::string_view text);
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  [[nodiscard]] SecretBytes Clone() const { return SecretBytes(view()); }
  [[nodiscard]] ByteView view() const { return {data_, len_}; }
  [[nodiscard]] std::string_view text() const { return AsText(view()); }
  [[nodiscard]] std::size_t size() const { return len_; }
  [[nodiscard]] bool empty() const { return len_ == 0; }
  [[nodiscard]] bool operator==(const SecretBytes& other) const;  // constant time for equal lengths

 private:
  void Release() noexcept;
  std::uint8_t* data_ = nullptr;
  std::size_t len_ = 0;
};

// Wipe overwrites memory in a way that the compiler keeps.
void Wipe(std::span<std::uint8_t> memory) noexcept;
void WipeText(std::string& text) noexcept;

// KeyExportToken is asked for wherever raw private key bytes leave crypto/: grep for it to list
// every such place.
class KeyExportToken {
 public:
  KeyExportToken() = default;
};

}  // namespace countersign
