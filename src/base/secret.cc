#include "base/secret.h"

#include <string.h>
#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <utility>

namespace countersign {

// Pages of its own for each secret: locking and dump flags work on whole pages, so with a shared
// page the end of one secret would unlock its neighbour.
SecretBytes::SecretBytes(ByteView bytes) {
  if (bytes.empty()) return;
  void* const pages =
      mmap(nullptr, bytes.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  static_cast<void>(mlock(pages, bytes.size()));
  static_cast<void>(madvise(pages, bytes.size(), MADV_DONTDUMP));
  data_ = static_cast<std::uint8_t*>(pages);
  len_ = bytes.size();
  std::copy(bytes.begin(), bytes.end(), data_);
}

SecretBytes SecretBytes::OwnText(std::string_view text) { return SecretBytes(AsBytes(text)); }

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), len_(std::exchange(other.len_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    Release();
    data_ = std::exchange(other.data_, nullptr);
    len_ = std::exchange(other.len_, 0);
  }
  return *this;
}

SecretBytes::~SecretBytes() { Release(); }

bool SecretBytes::operator==(const SecretBytes& other) const {
  if (len_ != other.len_) return false;
  volatile std::uint8_t difference = 0;
  for (std::size_t i = 0; i < len_; ++i) {
    difference = static_cast<std::uint8_t>(difference | (data_[i] ^ other.data_[i]));
  }
  return difference == 0;
}

void SecretBytes::Release() noexcept {
  if (data_ == nullptr) return;
  Wipe({data_, len_});
  munmap(data_, len_);
  data_ = nullptr;
  len_ = 0;
}

void Wipe(std::span<std::uint8_t> memory) noexcept {
  if (!memory.empty()) explicit_bzero(memory.data(), memory.size());
}

void WipeText(std::string& text) noexcept {
  text.resize(text.capacity());  // an earlier, longer content may stand behind the end
  explicit_bzero(text.data(), text.size());
  text.clear();
}

}  // namespace countersign
