#include "wire/sample_messages.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "base/encoding.h"

namespace countersign::wire::testing {
namespace {

namespace json = boost::json;

constexpr std::string_view kRaw = "@raw@";

bool Contains(const std::vector<std::string>& list, const std::string& entry) {
  return std::find(list.begin(), list.end(), entry) != list.end();
}

// Replaces the placeholder by raw text, which a JSON library might have normalised.
std::string PutRaw(const json::value& value, std::string_view raw) {
  std::string text = json::serialize(value);
  const std::string placeholder = '"' + std::string(kRaw) + '"';
  const std::size_t at = text.find(placeholder);
  Check(at != std::string::npos, "no placeholder");
  return text.replace(at, placeholder.size(), raw);
}

json::object& ParentOf(json::value& root, std::string_view pointer) {
  return root.at_pointer(pointer.substr(0, pointer.rfind('/'))).as_object();
}

std::string NameOf(std::string_view pointer) {
  return std::string(pointer.substr(pointer.rfind('/') + 1));
}

// {"a":1} → {"a":1,<raw>} for the object at `pointer`.
std::string WithRawMember(std::string_view text, const std::string& pointer,
                          const std::string& raw) {
  json::value root = json::parse(text);
  auto& object = root.at_pointer(pointer).as_object();
  object["@extra@"] = kRaw;
  std::string out = PutRaw(root, "@");
  const std::string placeholder = R"("@extra@":@)";
  return out.replace(out.find(placeholder), placeholder.size(), raw);
}

class Breaker {
 public:
  Breaker(std::string_view text, const BreakOptions& options) : text_(text), options_(options) {}

  std::vector<Broken> Run() {
    Enter("", json::parse(text_));
    return std::move(out_);
  }

 private:
  void Enter(const std::string& pointer, const json::value& value) {
    if (Contains(options_.open, pointer)) return;
    if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
      Enter(pointer + "/0", array->front());
    }
    if (!value.is_object()) return;
    for (const auto& member : value.get_object()) {
      Break(pointer, std::string(member.key()), member.value());
      Enter(pointer + "/" + std::string(member.key()), member.value());
    }
    Add(pointer + " one too many", WithRawMember(text_, pointer, R"("unknown":1)"));
  }

  void Break(const std::string& parent, const std::string& name, const json::value& value) {
    const std::string pointer = parent + "/" + name;
    if (!Contains(options_.optional, pointer)) Add(pointer + " missing", Without(text_, pointer));
    const std::string raw = json::serialize(value);
    Add(pointer + " doubled", WithRawMember(text_, parent, '"' + name + "\":" + raw));
    const std::string escaped = "\\u00" + HexLower(AsBytes(name.substr(0, 1))) + name.substr(1);
    Add(pointer + " doubled with an escape",
        WithRawMember(text_, parent, '"' + escaped + "\":" + raw));
    for (const std::string_view other : {"1", "true", R"("text")", "[]", "{}", "null"}) {
      const bool same_kind = json::parse(other).kind() == value.kind() ||
                             (value.is_number() && other == std::string_view("1"));
      const bool allowed =
          other == std::string_view("null") && Contains(options_.nullable, pointer);
      if (same_kind || allowed) continue;
      Add(pointer + " is " + std::string(other), With(text_, pointer, other));
    }
  }

  void Add(std::string what, std::string text) {
    out_.push_back({std::move(what), std::move(text)});
  }

  std::string text_;
  const BreakOptions& options_;
  std::vector<Broken> out_;
};

}  // namespace

Digest SampleDigest(std::uint8_t fill) {
  Digest digest;
  digest.fill(fill);
  return digest;
}

Token128 SampleToken(std::uint8_t fill) {
  std::array<std::uint8_t, 16> bytes;
  bytes.fill(fill);
  return Token128(bytes);
}

Uuid SampleUuid(std::uint8_t fill) { return Uuid::FromDigest(SampleDigest(fill)); }

const crypto::PrivateKey& SampleKey() {
  static const crypto::PrivateKey key = *crypto::PrivateKey::Generate(crypto::KeyKind::kP256);
  return key;
}

Held SampleHeld() {
  return {.thumbprint = SampleDigest(0x11),
          .generation = 1'763'769'600,
          .owner = SampleDigest(0x12),
          .server = SampleUuid(0x51)};
}

Order SampleOrder() {
  return {.x5t = SampleDigest(0x11),
          .x5c = {},
          .iss = SampleUuid(0x51),
          .aud = SampleUuid(0xa1),
          .jti = SampleToken(0x01),
          .iat = 1'763'769'600,
          .challenge = "Y291bnRlcnNpZ25fY2hhbGxlbmdlX29mX3RoaXNfYWdlbnQ",
          .act = "collect-logs",
          .args = R"({"days":3,"paths":["/srv","/var/log"],"note":"für \"uns\""})"};
}

Receipt SampleReceipt() {
  return {.iss = SampleUuid(0xa1),
          .aud = SampleUuid(0x51),
          .order = SampleToken(0x01),
          .oh = SampleDigest(0x31),
          .verdict = trust::Verdict::kDoneBefore,
          .earlier = Receipt::Earlier{.verdict = trust::Verdict::kDone,
                                      .result = R"({"exit":0,"text":"ok"})"},
          .result = R"({"again":true})",
          .held = SampleHeld(),
          .time = 1'763'769'601,
          .seq = 1'025,
          .instance = SampleToken(0x02)};
}

Report SampleReport(const crypto::PublicKey& key) {
  return {.x5c = {},
          .iss = Uuid::FromDigest(key.digest()),
          .aud = SampleUuid(0x51),
          .challenge = "Y291bnRlcnNpZ25fY2hhbGxlbmdlX2Zvcl90aGVfcmVwbHk",
          .echo = SampleToken(0x03),
          .held = SampleHeld(),
          .time = 1'763'769'602,
          .seq = 1'026,
          .instance = SampleToken(0x02),
          .host = "büro-pc-17",
          .addresses = {"192.0.2.17", "2001:db8::17"},
          .port = 21'112,
          .domain = "example.org",
          .version = "0.1.0",
          .platform = "Debian GNU/Linux 12",
          .batch = false,
          .failures = {{.verdict = trust::Verdict::kStale,
                        .source = "198.51.100.7",
                        .count = 3,
                        .first = 1'763'760'000,
                        .last = 1'763'769'000}},
          .enrol = Enrol{.token = "T-2025_11", .proof = SampleDigest(0x41)},
          .tls = true,
          .pinned = true,
          .leaving = true};
}

Reply SampleReply() {
  return {.x5t = SampleDigest(0x11),
          .x5c = {},
          .iss = SampleUuid(0x51),
          .aud = SampleUuid(0xa1),
          .challenge = "Y291bnRlcnNpZ25fY2hhbGxlbmdlX2Zvcl90aGVfcmVwbHk",
          .iat = 1'763'769'603,
          .nonce = SampleToken(0x04),
          .interval = 3'600,
          .head = "history-17",
          .jump = 4'096,
          .want_bundle = true,
          .accepted = true,
          .web = {SampleDigest(0x61), SampleDigest(0x62)},
          .wait = 240,
          .orders = {"eyJhIjoxfQ.eyJiIjoyfQ.c2ln", "eyJhIjoxfQ.eyJjIjozfQ.c2ln"}};
}

HistoryLine SampleHistoryLine() {
  return {.x5t = SampleDigest(0x11),
          .iss = SampleUuid(0x51),
          .n = 7,
          .prev = SampleDigest(0x21),
          .from = 3,
          .iat = 1'763'769'604,
          .kind = "certificate-replaced",
          .text = "new certificate 1A2B",
          .by = HistoryLine::Actor{1'000, "alice"},
          .certificate = SampleDigest(0x12)};
}

JwsText Open(std::string_view message) {
  const std::size_t first = message.find('.');
  const std::size_t last = message.rfind('.');
  const auto text = [](std::string_view part) {
    const auto bytes = Base64UrlDecode(part);
    return std::string(AsText(bytes.value()));
  };
  return {text(message.substr(0, first)), text(message.substr(first + 1, last - first - 1))};
}

std::string Unsigned(const JwsText& text) {
  return Base64UrlEncode(AsBytes(text.header)) + "." + Base64UrlEncode(AsBytes(text.payload)) +
         ".c2ln";
}

std::string Signed(const JwsText& text, const crypto::Signer& signer) {
  const std::string message =
      Base64UrlEncode(AsBytes(text.header)) + "." + Base64UrlEncode(AsBytes(text.payload));
  const auto signature = signer.SignJws(AsBytes(message));
  return message + "." + Base64UrlEncode(signature.value());
}

std::string With(std::string_view text, std::string_view pointer, std::string_view raw) {
  json::value root = json::parse(text);
  ParentOf(root, pointer)[NameOf(pointer)] = kRaw;
  return PutRaw(root, raw);
}

std::string Without(std::string_view text, std::string_view pointer) {
  json::value root = json::parse(text);
  ParentOf(root, pointer).erase(NameOf(pointer));
  return json::serialize(root);
}

std::string Quoted(std::string_view text) { return '\"' + std::string(text) + '\"'; }

std::vector<Broken> BreakEach(std::string_view text, const BreakOptions& options) {
  return Breaker(text, options).Run();
}

}  // namespace countersign::wire::testing
