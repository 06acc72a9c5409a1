#include <utility>

#include "base/encoding.h"
#include "wire/compact.h"
#include "wire/json.h"
#include "wire/messages.h"
#include "wire/parts.h"

namespace countersign::wire {
namespace {

constexpr std::string_view kTyp = "countersign-receipt+jwt";

std::string ReadResult(Members& members) {
  return members.Has("result") ? members.ObjectText("result", kMaxResultLen) : std::string();
}

std::optional<Receipt::Earlier> ReadEarlier(Members& payload) {
  if (!payload.Has("earlier")) return std::nullopt;
  Members members(payload.Object("earlier"), "earlier");
  Receipt::Earlier earlier{.verdict = members.Verdict("verdict"), .result = ReadResult(members)};
  payload.Adopt(members.Finish());
  return earlier;
}

Status ReadHeader(const boost::json::object& header) {
  Members members(header, kTyp);
  members.Ignore("alg");  // ParseCompact has read it
  members.ExpectText("typ", kTyp);
  return members.Finish();
}

Result<Receipt> Read(const boost::json::object& header, const boost::json::object& payload) {
  COUNTERSIGN_RETURN_IF_ERROR(ReadHeader(header));
  Members members(payload, "receipt");
  Receipt receipt{.iss = members.Urn("iss"),
                  .aud = members.Urn("aud"),
                  .order = members.TokenOrNull("order"),
                  .oh = members.Octets32("oh"),
                  .verdict = members.Verdict("verdict"),
                  .earlier = ReadEarlier(members),
                  .result = ReadResult(members),
                  .held = ReadHeld(members),
                  .time = members.Integer("time", 0, kMaxInteger),
                  .seq = members.Integer("seq", 1, kMaxInteger),
                  .instance = members.Token("instance")};
  if (receipt.earlier.has_value() != (receipt.verdict == trust::Verdict::kDoneBefore)) {
    members.Refuse("earlier", "belongs to the verdict done-before, and to no other");
  }
  COUNTERSIGN_RETURN_IF_ERROR(members.Finish());
  return receipt;
}

Status WriteEarlier(const Receipt& receipt, boost::json::object& payload) {
  if (!receipt.earlier) return {};
  boost::json::object& earlier = payload["earlier"].emplace_object();
  earlier["verdict"] = trust::VerdictName(receipt.earlier->verdict);
  return WriteObject(receipt.earlier->result, "result", 3, earlier);
}

}  // namespace

Result<SignedReceipt> ParseReceipt(std::string_view message) {
  if (message.size() > kMaxReceiptLen) return Fail(Code::kMalformed, "receipt: too long");
  JsonArena arena;
  auto jws = ParseCompact(message, arena.storage());
  if (!jws) return WithContext("receipt", std::move(jws).error());
  const auto payload = ParseJsonObject(AsText(jws->payload), arena.storage());
  if (!payload) return WithContext("receipt", payload.error());
  auto receipt = Read(jws->header, *payload);
  if (!receipt) return std::unexpected(std::move(receipt).error());
  return SignedReceipt{std::move(jws->envelope), *std::move(receipt)};
}

Result<std::string> SignReceipt(const Receipt& receipt, const crypto::Signer& signer) {
  JsonArena arena;
  const auto header = MakeHeader(signer, kTyp, arena.storage());
  boost::json::object payload(arena.storage());
  payload["iss"] = receipt.iss.Urn();
  payload["aud"] = receipt.aud.Urn();
  boost::json::value& order = payload["order"];  // null unless it is known
  if (receipt.order) order = receipt.order->Text();
  payload["oh"] = Base64UrlEncode(receipt.oh);
  payload["verdict"] = trust::VerdictName(receipt.verdict);
  COUNTERSIGN_RETURN_IF_ERROR(WriteEarlier(receipt, payload));
  COUNTERSIGN_RETURN_IF_ERROR(WriteObject(receipt.result, "result", 2, payload));
  WriteHeld(receipt.held, payload);
  payload["time"] = receipt.time;
  payload["seq"] = receipt.seq;
  payload["instance"] = receipt.instance.Text();
  // What we sign must be what others accept: read it back by the rules of ParseReceipt.
  if (auto same = Read(header, payload); !same) return Fail(Code::kUsage, same.error().message);
  return SignCompact(header, payload, signer, kMaxReceiptLen);
}

}  // namespace countersign::wire
