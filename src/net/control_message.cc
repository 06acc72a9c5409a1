#include "net/control_message.h"

#include <algorithm>
#include <utility>

namespace countersign::net {
namespace {

constexpr std::size_t kGrowLen = 64UL * 1024;

std::size_t MaxJsonLen(ControlKind kind) {
  return kind == ControlKind::kRequest ? kMaxRequestJsonLen : kMaxResponseJsonLen;
}

// Room makes room for the next octets of a text or blob and returns it.
template <class Container>
std::span<std::uint8_t> Room(Container& container, std::size_t filled, std::size_t total) {
  const std::size_t len = std::min(total - filled, kGrowLen);
  container.resize(filled + len);
  return {reinterpret_cast<std::uint8_t*>(container.data()) + filled, len};
}

}  // namespace

std::span<std::uint8_t> ControlDecoder::Want() {
  if (header_len_ < kHeaderLen) return std::span(header_).subspan(header_len_);
  switch (header_[0]) {
    case 'J':
      return Room(message_.json, filled_, payload_len_);
    case 'S':
      return std::span(secret_).subspan(filled_, payload_len_ - filled_);
    default:
      return Room(message_.blobs.back(), filled_, payload_len_);
  }
}

Status ControlDecoder::Commit(std::size_t len) {
  if (header_len_ < kHeaderLen) {
    header_len_ += len;
    return header_len_ == kHeaderLen ? BeginFrame() : Status();
  }
  filled_ += len;
  if (filled_ == payload_len_) EndFrame();
  return {};
}

Status ControlDecoder::CheckFrame(char type, std::size_t len) const {
  if (type != 'J' && type != 'S' && type != 'B' && type != 'E') {
    return Fail(Code::kMalformed, "control frame of an unknown type");
  }
  if ((type == 'J') == has_json_) return Fail(Code::kMalformed, "control frames in a wrong order");
  const std::size_t max_len = type == 'J'   ? MaxJsonLen(kind_)
                              : type == 'S' ? kMaxSecretLen
                              : type == 'B' ? kMaxBlobLen
                                            : 0;
  if (len > max_len) {
    return Fail(Code::kMalformed, std::string("control frame '") + type + "' of " +
                                      std::to_string(len) + " bytes, over the limit of " +
                                      std::to_string(max_len));
  }
  if ((type == 'S' && message_.secrets.size() >= kMaxSecretFrames) ||
      (type == 'B' && message_.blobs.size() >= kMaxBlobFrames)) {
    return Fail(Code::kMalformed, "too many control frames in one message");
  }
  return {};
}

Status ControlDecoder::BeginFrame() {
  Reader reader(header_);
  const char type = static_cast<char>(reader.ReadU8());
  payload_len_ = reader.ReadU32();
  filled_ = 0;
  COUNTERSIGN_RETURN_IF_ERROR(CheckFrame(type, payload_len_));
  if (type == 'B') message_.blobs.emplace_back();
  if (payload_len_ == 0) EndFrame();
  return {};
}

void ControlDecoder::EndFrame() {
  header_len_ = 0;
  if (header_[0] == 'J') has_json_ = true;
  if (header_[0] == 'E') done_ = true;
  if (header_[0] == 'S') {
    message_.secrets.emplace_back(ByteView(secret_).first(payload_len_));
    Wipe(secret_);
  }
}

ControlMessage ControlDecoder::Take() {
  Check(done_, "ControlDecoder::Take without a complete message");
  done_ = false;
  has_json_ = false;
  return std::exchange(message_, {});
}

Result<ControlEncoder> ControlEncoder::Create(const ControlMessage& message, ControlKind kind) {
  const auto too_long = [](const auto& part, std::size_t max) { return part.size() > max; };
  const bool fits =
      !too_long(message.json, MaxJsonLen(kind)) && !too_long(message.secrets, kMaxSecretFrames) &&
      !too_long(message.blobs, kMaxBlobFrames) &&
      std::ranges::none_of(message.secrets, [&](auto& s) { return too_long(s, kMaxSecretLen); }) &&
      std::ranges::none_of(message.blobs, [&](auto& b) { return too_long(b, kMaxBlobLen); });
  if (!fits) return Fail(Code::kExhausted, "a control message over its limits");
  ControlEncoder encoder;
  encoder.headers_.reserve(2 + message.secrets.size() + message.blobs.size());
  encoder.Add('J', AsBytes(message.json));
  for (const SecretBytes& secret : message.secrets) encoder.Add('S', secret.view());
  for (const Bytes& blob : message.blobs) encoder.Add('B', blob);
  encoder.Add('E', {});
  return encoder;
}

void ControlEncoder::Add(char type, ByteView payload) {
  const std::size_t len = payload.size();
  const auto octet = [len](unsigned shift) { return static_cast<std::uint8_t>(len >> shift); };
  headers_.push_back({static_cast<std::uint8_t>(type), octet(24), octet(16), octet(8), octet(0)});
  pieces_.emplace_back(headers_.back());
  if (!payload.empty()) pieces_.push_back(payload);
}

}  // namespace countersign::net
