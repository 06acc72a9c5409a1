#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "wire/compact.h"
#include "wire/json.h"
#include "wire/jwk.h"
#include "wire/messages.h"
#include "wire/parts.h"

namespace countersign::wire {
namespace {

constexpr std::string_view kTyp = "countersign-report+jwt";
constexpr std::size_t kMaxTextLen = 255;
constexpr std::size_t kMaxAddresses = 16;
constexpr std::size_t kMaxAddressLen = 64;
constexpr std::size_t kMaxTokenLen = 64;
constexpr std::uint64_t kMaxPort = 65'535;

struct Header {
  crypto::PublicKey key;
  std::vector<Bytes> x5c;
};

Result<Header> ReadHeader(const boost::json::object& header) {
  Members members(header, kTyp);
  members.ExpectText("alg", AlgorithmName(Algorithm::kEs256));
  members.ExpectText("typ", kTyp);
  auto key = ReadJwk(members.Object("jwk"));
  auto x5c = ReadX5c(members);
  COUNTERSIGN_RETURN_IF_ERROR(members.Finish());
  if (!key) return Fail(Code::kMalformed, "report: \"jwk\": " + key.error().message);
  return Header{*std::move(key), std::move(x5c)};
}

std::vector<std::string> ReadAddresses(Members& payload) {
  std::vector<std::string> addresses;
  for (const boost::json::value& entry : payload.Array("addresses", kMaxAddresses)) {
    const boost::json::string* text = entry.if_string();
    if (text == nullptr || text->size() > kMaxAddressLen || !IsPrintableUtf8(*text)) {
      payload.Refuse("addresses", "has an entry that is too long or not printable text");
      return {};
    }
    addresses.emplace_back(text->data(), text->size());
  }
  return addresses;
}

std::vector<Failure> ReadFailures(Members& payload) {
  std::vector<Failure> failures;
  for (const boost::json::value& entry : payload.Array("failures", kMaxFailures)) {
    if (!entry.is_object()) {
      payload.Refuse("failures", "has an entry that is not an object");
      return {};
    }
    Members members(entry.get_object(), "failures");
    failures.push_back({.verdict = members.Verdict("verdict"),
                        .source = members.Printable("source", kMaxAddressLen),
                        .count = members.Integer("count", 0, kMaxInteger),
                        .first = members.Integer("first", 0, kMaxInteger),
                        .last = members.Integer("last", 0, kMaxInteger)});
    payload.Adopt(members.Finish());
  }
  return failures;
}

std::optional<Enrol> ReadEnrol(Members& payload) {
  if (!payload.Has("enrol")) return std::nullopt;
  Members members(payload.Object("enrol"), "enrol");
  Enrol enrol{.token = std::string(members.Text("token")), .proof = members.Octets32("proof")};
  if (enrol.token.size() > kMaxTokenLen || !IsBase64UrlText(enrol.token)) {
    members.Refuse("token", "is not the id of a token");
  }
  payload.Adopt(members.Finish());
  return enrol;
}

// Members that are true or absent.
bool ReadFlag(Members& payload, std::string_view name) {
  if (!payload.Has(name)) return false;
  if (!payload.Bool(name)) payload.Refuse(name, "is not true");
  return true;
}

Result<Report> ReadPayload(const boost::json::object& payload) {
  Members members(payload, "report");
  Report report{.x5c = {},
                .iss = members.Urn("iss"),
                .aud = members.Urn("aud"),
                .challenge = std::string(members.Text("challenge")),
                .echo = members.Has("echo") ? std::optional(members.Token("echo")) : std::nullopt,
                .held = ReadHeld(members),
                .time = members.Integer("time", 0, kMaxInteger),
                .seq = members.Integer("seq", 1, kMaxInteger),
                .instance = members.Token("instance"),
                .host = members.Printable("host", kMaxTextLen),
                .addresses = ReadAddresses(members),
                .port = members.Integer("port", 0, kMaxPort),
                .domain = members.Printable("domain", kMaxTextLen),
                .version = members.Printable("version", kMaxTextLen),
                .platform = members.Printable("platform", kMaxTextLen),
                .batch = members.Bool("batch"),
                .failures = ReadFailures(members),
                .enrol = ReadEnrol(members),
                .tls = ReadFlag(members, "tls"),
                .pinned = ReadFlag(members, "pinned"),
                .leaving = ReadFlag(members, "leaving")};
  if (!IsChallenge(report.challenge)) members.Refuse("challenge", "is not a challenge");
  COUNTERSIGN_RETURN_IF_ERROR(members.Finish());
  return report;
}

struct KeyAndReport {
  crypto::PublicKey key;
  Report report;
};

Result<KeyAndReport> Read(const boost::json::object& header, const boost::json::object& payload) {
  auto head = ReadHeader(header);
  if (!head) return std::unexpected(std::move(head).error());
  auto report = ReadPayload(payload);
  if (!report) return std::unexpected(std::move(report).error());
  // Nobody can claim an id with another key (section 2).
  if (report->iss != Uuid::FromDigest(head->key.digest())) {
    return Fail(Code::kMalformed, "report: \"iss\" is not the id of its key");
  }
  report->x5c = std::move(head->x5c);
  return KeyAndReport{std::move(head->key), *std::move(report)};
}

std::size_t MaxLen(const Report& report) {
  return report.x5c.empty() ? kMaxReportLen : kMaxReportWithBundleLen;
}

boost::json::object MakeReportHeader(const Report& report, const crypto::Signer& signer,
                                     boost::json::storage_ptr storage) {
  boost::json::object header = MakeHeader(signer, kTyp, std::move(storage));
  header["jwk"] = MakeJwk(signer.public_key(), header.storage());
  WriteX5c(report.x5c, header);
  return header;
}

void WriteFailures(const std::vector<Failure>& failures, boost::json::object& payload) {
  boost::json::array& list = payload["failures"].emplace_array();
  list.reserve(failures.size());
  for (const Failure& failure : failures) {
    boost::json::object& entry = list.emplace_back(boost::json::object_kind).get_object();
    entry["verdict"] = trust::VerdictName(failure.verdict);
    entry["source"] = failure.source;
    entry["count"] = failure.count;
    entry["first"] = failure.first;
    entry["last"] = failure.last;
  }
}

void WriteMachine(const Report& report, boost::json::object& payload) {
  payload["host"] = report.host;
  boost::json::array& addresses = payload["addresses"].emplace_array();
  for (const std::string& address : report.addresses) addresses.emplace_back(address);
  payload["port"] = report.port;
  payload["domain"] = report.domain;
  payload["version"] = report.version;
  payload["platform"] = report.platform;
  payload["batch"] = report.batch;
}

void WriteEnrol(const Report& report, boost::json::object& payload) {
  if (!report.enrol) return;
  boost::json::object& enrol = payload["enrol"].emplace_object();
  enrol["token"] = report.enrol->token;
  enrol["proof"] = Base64UrlEncode(report.enrol->proof);
}

}  // namespace

Result<SignedReport> ParseReport(std::string_view message) {
  if (message.size() > kMaxReportWithBundleLen) return Fail(Code::kMalformed, "report: too long");
  JsonArena arena;
  auto jws = ParseCompact(message, arena.storage());
  if (!jws) return WithContext("report", std::move(jws).error());
  const auto payload = ParseJsonObject(AsText(jws->payload), arena.storage());
  if (!payload) return WithContext("report", payload.error());
  auto read = Read(jws->header, *payload);
  if (!read) return std::unexpected(std::move(read).error());
  if (message.size() > MaxLen(read->report)) return Fail(Code::kMalformed, "report: too long");
  return SignedReport{std::move(jws->envelope), std::move(read->key), std::move(read->report)};
}

Result<std::string> SignReport(const Report& report, const crypto::Signer& signer) {
  if (signer.public_key().kind() != crypto::KeyKind::kP256) {
    return Fail(Code::kUsage, "report: an agent key is P-256");
  }
  JsonArena arena;
  const auto header = MakeReportHeader(report, signer, arena.storage());
  boost::json::object payload(arena.storage());
  payload["iss"] = report.iss.Urn();
  payload["aud"] = report.aud.Urn();
  payload["challenge"] = report.challenge;
  if (report.echo) payload["echo"] = report.echo->Text();
  WriteHeld(report.held, payload);
  payload["time"] = report.time;
  payload["seq"] = report.seq;
  payload["instance"] = report.instance.Text();
  WriteMachine(report, payload);
  WriteFailures(report.failures, payload);
  WriteEnrol(report, payload);
  if (report.tls) payload["tls"] = true;
  if (report.pinned) payload["pinned"] = true;
  if (report.leaving) payload["leaving"] = true;
  // What we sign must be what others accept: read it back by the rules of ParseReport.
  if (auto same = Read(header, payload); !same) return Fail(Code::kUsage, same.error().message);
  return SignCompact(header, payload, signer, MaxLen(report));
}

}  // namespace countersign::wire
