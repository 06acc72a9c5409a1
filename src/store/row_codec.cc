#include "store/row_codec.h"

namespace countersign::store {
namespace {

constexpr std::uint8_t kVersion = 1;

template <class T, class WriteOne>
Bytes EncodeList(const std::vector<T>& list, WriteOne&& write_one) {
  if (list.empty()) return {};
  Writer writer;
  writer.U8(kVersion);
  for (const T& entry : list) write_one(writer, entry);
  return writer.Take();
}

// Each entry takes at least one octet, so the input bounds the work.
template <class T, class ReadOne>
std::optional<std::vector<T>> DecodeList(ByteView blob, ReadOne&& read_one) {
  std::vector<T> list;
  if (blob.empty()) return list;
  Reader reader(blob);
  if (reader.ReadU8() != kVersion || reader.AtEnd()) return std::nullopt;
  while (reader.ok() && !reader.AtEnd()) list.push_back(read_one(reader));
  if (!reader.ok()) return std::nullopt;
  return list;
}

void WriteTime(Writer& writer, Instant at) { writer.U64(static_cast<std::uint64_t>(ToUnix(at))); }
Instant ReadTime(Reader& reader) { return FromUnix(static_cast<std::int64_t>(reader.ReadU64())); }

}  // namespace

Bytes EncodeTexts(const std::vector<std::string>& texts) {
  return EncodeList(
      texts, [](Writer& writer, const std::string& text) { writer.Prefixed(AsBytes(text)); });
}

std::optional<std::vector<std::string>> DecodeTexts(ByteView blob) {
  return DecodeList<std::string>(blob, [](Reader& reader) {
    return std::string(AsText(reader.ReadPrefixed(reader.remaining())));
  });
}

Bytes EncodeTimes(const std::vector<Instant>& times) { return EncodeList(times, WriteTime); }

std::optional<std::vector<Instant>> DecodeTimes(ByteView blob) {
  return DecodeList<Instant>(blob, ReadTime);
}

Bytes EncodeNonces(const std::vector<GivenNonce>& nonces) {
  return EncodeList(nonces, [](Writer& writer, const GivenNonce& given) {
    writer.Raw(given.nonce.bytes());
    WriteTime(writer, given.given_at);
    writer.U64(given.noted_seq).U64(given.epoch).U8(given.for_proved ? 1 : 0);
  });
}

std::optional<std::vector<GivenNonce>> DecodeNonces(ByteView blob) {
  bool right = true;
  auto list = DecodeList<GivenNonce>(blob, [&right](Reader& reader) {
    GivenNonce given;
    given.nonce = Nonce(reader.ReadArray<16>());
    given.given_at = ReadTime(reader);
    given.noted_seq = reader.ReadU64();
    given.epoch = reader.ReadU64();
    const std::uint8_t for_proved = reader.ReadU8();
    right = right && for_proved <= 1;
    given.for_proved = for_proved == 1;
    return given;
  });
  if (!right) return std::nullopt;
  return list;
}

Bytes EncodeReplaced(const std::vector<ReplacedInstance>& replaced) {
  return EncodeList(replaced, [](Writer& writer, const ReplacedInstance& one) {
    writer.Raw(one.instance.bytes()).U64(one.replaced_in_epoch);
  });
}

std::optional<std::vector<ReplacedInstance>> DecodeReplaced(ByteView blob) {
  return DecodeList<ReplacedInstance>(blob, [](Reader& reader) {
    ReplacedInstance one;
    one.instance = Instance(reader.ReadArray<16>());
    one.replaced_in_epoch = reader.ReadU64();
    return one;
  });
}

Bytes EncodeVersions(const std::vector<OrderVersion>& versions) {
  return EncodeList(versions, [](Writer& writer, const OrderVersion& version) {
    writer.Raw(version.oh);
    WriteTime(writer, version.signed_at);
    writer.U64(version.noted_seq).U64(version.epoch);
  });
}

std::optional<std::vector<OrderVersion>> DecodeVersions(ByteView blob) {
  return DecodeList<OrderVersion>(blob, [](Reader& reader) {
    OrderVersion version;
    version.oh = reader.ReadArray<32>();
    version.signed_at = ReadTime(reader);
    version.noted_seq = reader.ReadU64();
    version.epoch = reader.ReadU64();
    return version;
  });
}

}  // namespace countersign::store
