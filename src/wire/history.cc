#include "wire/history.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <limits>
#include <utility>

#include "base/encoding.h"
#include "wire/compact.h"
#include "wire/json.h"
#include "wire/messages.h"
#include "wire/parts.h"

namespace countersign::wire {
namespace {

constexpr std::string_view kTyp = "countersign-history+jwt";

bool IsKind(std::string_view text) {
  return !text.empty() && text.size() <= kMaxHistoryKindLen &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

std::optional<std::uint64_t> ReadFrom(Members& payload) {
  if (!payload.Has("from")) return std::nullopt;
  return payload.Integer("from", 1, kMaxInteger);
}

std::optional<HistoryLine::Actor> ReadBy(Members& payload) {
  if (!payload.Has("by")) return std::nullopt;
  Members members(payload.Object("by"), "by");
  HistoryLine::Actor by;
  by.uid = static_cast<std::uint32_t>(
      members.Integer("uid", 0, std::numeric_limits<std::uint32_t>::max()));
  by.name = members.Printable("name", kMaxHistoryNameLen);
  payload.Adopt(members.Finish());
  return by;
}

std::optional<Digest> ReadCertificate(Members& payload) {
  if (!payload.Has("certificate")) return std::nullopt;
  return payload.Octets32("certificate");
}

void CheckLine(const HistoryLine& line, Members& members) {
  if (!IsKind(line.kind)) members.Refuse("kind", "is not [a-z0-9-]{1,64}");
  if ((line.n == 1) != (line.prev == Digest())) {
    members.Refuse("prev", "is zero in line 1, and in no other");
  }
  if (line.from && *line.from >= line.n) members.Refuse("from", "is not a line before this one");
  if (line.x5t && line.iss.is_nil()) members.Refuse("iss", "names no server");
}

Result<HistoryLine> ReadPayload(const boost::json::object& payload,
                                const std::optional<Digest>& x5t) {
  Members members(payload, "history line");
  HistoryLine line{.x5t = x5t,
                   .iss = members.Urn("iss"),
                   .n = members.Integer("n", 1, kMaxInteger),
                   .prev = members.Octets32("prev"),
                   .from = ReadFrom(members),
                   .iat = members.Integer("iat", 0, kMaxInteger),
                   .kind = std::string(members.Text("kind")),
                   .text = members.Printable("text", kMaxHistoryTextLen),
                   .by = ReadBy(members),
                   .certificate = ReadCertificate(members)};
  if (!x5t && !members.Bool("unsigned")) members.Refuse("unsigned", "is not true");
  CheckLine(line, members);
  COUNTERSIGN_RETURN_IF_ERROR(members.Finish());
  return line;
}

Result<Digest> ReadHeader(const boost::json::object& header) {
  Members members(header, kTyp);
  members.Ignore("alg");  // ParseCompact has read it
  members.ExpectText("typ", kTyp);
  const Digest x5t = members.Octets32("x5t#S256");
  COUNTERSIGN_RETURN_IF_ERROR(members.Finish());
  return x5t;
}

boost::json::object MakePayload(const HistoryLine& line, boost::json::storage_ptr storage) {
  boost::json::object payload(std::move(storage));
  payload["iss"] = line.iss.Urn();
  payload["n"] = line.n;
  payload["prev"] = Base64UrlEncode(line.prev);
  if (line.from) payload["from"] = *line.from;
  payload["iat"] = line.iat;
  payload["kind"] = line.kind;
  payload["text"] = line.text;
  if (line.by) {
    boost::json::object& by = payload["by"].emplace_object();
    by["uid"] = std::uint64_t{line.by->uid};
    by["name"] = line.by->name;
  }
  if (line.certificate) payload["certificate"] = Base64UrlEncode(*line.certificate);
  if (!line.x5t) payload["unsigned"] = true;
  return payload;
}

Result<SignedHistoryLine> ParseUnsigned(std::string_view message) {
  const auto octets = Base64UrlDecode(message);
  if (!octets) return Fail(Code::kMalformed, "history line: not base64url");
  JsonArena arena;
  const auto payload = ParseJsonObject(AsText(*octets), arena.storage());
  if (!payload) return WithContext("history line", payload.error());
  auto line = ReadPayload(*payload, std::nullopt);
  if (!line) return std::unexpected(std::move(line).error());
  return SignedHistoryLine{.envelope = std::nullopt, .line = *std::move(line)};
}

}  // namespace

Result<SignedHistoryLine> ParseHistoryLine(std::string_view message) {
  if (message.size() > kMaxHistoryLineLen) {
    return Fail(Code::kMalformed, "history line: too long");
  }
  if (message.find('.') == std::string_view::npos) return ParseUnsigned(message);
  JsonArena arena;
  auto jws = ParseCompact(message, arena.storage());
  if (!jws) return WithContext("history line", std::move(jws).error());
  const auto payload = ParseJsonObject(AsText(jws->payload), arena.storage());
  if (!payload) return WithContext("history line", payload.error());
  const auto x5t = ReadHeader(jws->header);
  if (!x5t) return std::unexpected(x5t.error());
  auto line = ReadPayload(*payload, *x5t);
  if (!line) return std::unexpected(std::move(line).error());
  return SignedHistoryLine{.envelope = std::move(jws->envelope), .line = *std::move(line)};
}

Result<std::string> SignHistoryLine(const HistoryLine& line, const crypto::Signer& signer) {
  if (!line.x5t) return Fail(Code::kUsage, "history line: no certificate signs it");
  JsonArena arena;
  const auto header = MakeCertificateHeader(*line.x5t, {}, kTyp, signer, arena.storage());
  const auto payload = MakePayload(line, arena.storage());
  // What we sign must be what others accept: read it back by the rules of ParseHistoryLine.
  if (auto same = ReadPayload(payload, line.x5t); !same) {
    return Fail(Code::kUsage, same.error().message);
  }
  return SignCompact(header, payload, signer, kMaxHistoryLineLen);
}

Result<std::string> FormatUnsignedHistoryLine(const HistoryLine& line) {
  if (line.x5t) return Fail(Code::kUsage, "history line: it names a certificate that signs");
  JsonArena arena;
  const auto payload = MakePayload(line, arena.storage());
  if (auto same = ReadPayload(payload, std::nullopt); !same) {
    return Fail(Code::kUsage, same.error().message);
  }
  std::string message = Base64UrlEncode(AsBytes(boost::json::serialize(payload)));
  if (message.size() <= kMaxHistoryLineLen) return message;
  return Fail(Code::kUsage, "history line: too long");
}

std::string FormatHistoryHead(const HistoryHead& head) {
  if (head.number == 0) return {};
  return std::to_string(head.number) + ":" + Base64UrlEncode(head.digest);
}

std::optional<HistoryHead> ParseHistoryHead(std::string_view text) {
  HistoryHead head;
  if (text.empty()) return head;
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + colon, head.number);
  const auto digest = Base64UrlDecodeFixed<32>(text.substr(colon + 1));
  if (error != std::errc() || end != text.data() + colon || !digest) return std::nullopt;
  head.digest = *digest;
  // One form only: no leading zeros, and no number of no line.
  if (head.number > kMaxInteger || FormatHistoryHead(head) != text) return std::nullopt;
  return head;
}

}  // namespace countersign::wire
