// Step 1 of an order: size, form, members.
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "tests/vectors/order_cases.h"

namespace countersign::vectors {
namespace {

namespace json = boost::json;

constexpr std::string_view kMalformed = "malformed";

// The texts of a message that passes, to be broken by hand.
std::string Replaced(std::string text, std::string_view what, std::string_view with) {
  const std::size_t at = text.find(what);
  Check(at != std::string::npos, what);
  return text.replace(at, what.size(), with);
}

void AddForms(OrderCases& cases) {
  const std::string good = cases.Make({});
  const std::size_t first = good.find('.');
  const std::size_t last = good.rfind('.');
  const auto bad = [&](std::string_view name, const std::string& text) {
    cases.RefusedText(kMalformed, name, text);
  };
  bad("empty", "");
  bad("not a JWS: no dot", "not-a-JWS");
  bad("not a JWS: one dot", good.substr(0, last));
  bad("not a JWS: three dots", good + ".");
  bad("not a JWS: an empty part", good.substr(0, first + 1) + good.substr(last));
  bad("line feed at the end", good + "\n");
  bad("padding", good.substr(0, first) + "=" + good.substr(first));
  bad("base64 instead of base64url", Replaced(good, good.substr(last + 1, 1), "+"));
  bad("JSON serialisation of RFC 7515",
      R"({"payload":")" + good.substr(first + 1, last - first - 1) + R"(","protected":")" +
          good.substr(0, first) + R"(","signature":")" + good.substr(last + 1) + "\"}");
}

void AddJsonTexts(OrderCases& cases) {
  const auto header = [&](std::string_view name, const std::function<std::string(std::string)>& f) {
    cases.Refused(kMalformed, name, [&](Message& m) { m.header_text = f(m.HeaderText()); });
  };
  const auto payload = [&](std::string_view name,
                           const std::function<std::string(std::string)>& f) {
    cases.Refused(kMalformed, name, [&](Message& m) { m.payload_text = f(m.PayloadText()); });
  };
  const auto with_args = [&](std::string_view name, std::string_view args) {
    payload(name, [&](std::string text) {
      text.pop_back();
      return text + R"(,"args":)" + std::string(args) + "}";
    });
  };
  header("header: not JSON", [](auto) { return "{"; });
  header("header: an array", [](auto text) { return "[" + text + "]"; });
  header("header: doubled member",
         [](auto text) { return Replaced(text, "{", R"({"alg":"ES256",)"); });
  payload("payload: not JSON", [](auto) { return ""; });
  payload("payload: byte order mark", [](auto text) { return "\xef\xbb\xbf" + text; });
  payload("payload: something after the end", [](auto text) { return text + "{}"; });
  payload("payload: doubled member",
          [](auto text) { return Replaced(text, "{", R"({"act":"ping",)"); });
  payload("payload: doubled member after unescaping",
          [](auto text) { return Replaced(text, "{", R"({"\u0061ct":"ping",)"); });
  payload("payload: not UTF-8", [](auto text) { return Replaced(text, "ping", "p\xffng"); });
  payload("payload: iat -0", [](auto text) { return Replaced(text, "1795000000", "-0"); });
  payload("payload: iat with fraction",
          [](auto text) { return Replaced(text, "1795000000", "1795000000.0"); });
  payload("payload: iat with exponent",
          [](auto text) { return Replaced(text, "1795000000", "1795e6"); });
  payload("payload: iat with leading zero",
          [](auto text) { return Replaced(text, "1795000000", "01795000000"); });
  with_args("args: doubled member within", R"({"a":1,"a":1})");
  with_args("args: lone surrogate", R"({"a":"\ud800"})");
  with_args("args: integer 2^53", R"({"a":9007199254740992})");
  with_args("args: depth 9", R"({"a":[[[[[[[]]]]]]]})");
  with_args("args: negative integer", R"({"a":-1})");
}

void AddHeaders(OrderCases& cases) {
  const auto bad = [&](std::string_view name, std::string_view member, json::value value) {
    cases.Refused(kMalformed, name, [&](Message& m) { m.header[member] = value; });
  };
  const std::string x5t(cases.fleet().Order().header.at("x5t#S256").as_string());
  for (const std::string_view alg : {"none", "HS256", "ES512", "PS256", "es256", ""}) {
    bad("alg: " + std::string(alg), "alg", json::string(alg));
  }
  bad("typ of a receipt", "typ", "countersign-receipt+jwt");
  bad("typ in capitals", "typ", "Countersign-order+jwt");
  bad("typ with application/", "typ", "application/countersign-order+jwt");
  bad("unknown header member", "kid", "1");
  bad("crit", "crit", json::array({"exp"}));
  bad("x5t#S256 too short", "x5t#S256", json::string(x5t.substr(0, 42)));
  bad("x5t#S256 in hexadecimal", "x5t#S256",
      json::string(HexLower(cases.fleet().table().Thumbprint("held"))));
  bad("x5c empty", "x5c", json::array());
  bad("x5c a string", "x5c", cases.fleet().X5c({"held"})[0]);
  bad("x5t#S256 is not that of the first certificate in x5c", "x5c",
      cases.fleet().X5c({"next", "owner"}));
  cases.Refused(kMalformed, "x5c in base64url", [&](Message& m) {
    m.header["x5c"] =
        json::array({json::string(Base64UrlEncode(cases.fleet().table().Get("held")) + "-_")});
  });
  for (const std::string_view member : {"alg", "typ", "x5t#S256"}) {
    cases.Refused(kMalformed, "header without " + std::string(member),
                  [&](Message& m) { m.header.erase(member); });
  }
}

void AddPayloads(OrderCases& cases) {
  const auto bad = [&](std::string_view name, std::string_view member, json::value value) {
    cases.Refused(kMalformed, name, [&](Message& m) { m.payload[member] = value; });
  };
  for (const std::string_view member : {"iss", "aud", "jti", "iat", "challenge", "act"}) {
    cases.Refused(kMalformed, "payload without " + std::string(member),
                  [&](Message& m) { m.payload.erase(member); });
    bad(std::string(member) + ": null", member, nullptr);
  }
  bad("unknown payload member", "exp", kClock);
  bad("iss in capitals", "iss", "urn:uuid:6F1D6C1E-8F3A-4D0E-9A53-0C2B7F5E1A01");
  bad("iss without urn:uuid:", "iss", "6f1d6c1e-8f3a-4d0e-9a53-0c2b7f5e1a01");
  bad("aud an array", "aud", json::array({cases.fleet().Order().payload.at("aud")}));
  bad("jti of 15 octets", "jti", "AAECAwQFBgcICQoLDA0O");
  bad("jti with unused bits set", "jti", "AAECAwQFBgcICQoLDA0ODx");
  bad("jti padded", "jti", json::string(std::string(kJti) + "=="));
  bad("iat a string", "iat", "1795000000");
  bad("iat negative", "iat", -1);
  bad("iat 2^53", "iat", std::uint64_t{1} << 53);
  bad("challenge a number", "challenge", 1);
  bad("act empty", "act", "");
  bad("act in capitals", "act", "Ping");
  bad("act with underscore", "act", "get_status");
  bad("act of 33 characters", "act", json::string(33, 'a'));
  bad("args null", "args", nullptr);
  bad("args an array", "args", json::array());
}

// Pads `args` so that the whole message has exactly `total` octets. Base64url never has a length of
// 4n+1, so white space in the header settles what the payload cannot.
std::string OfLength(OrderCases& cases, std::size_t total, const MessageChange& change) {
  for (std::size_t num_spaces = 0; num_spaces < 4; ++num_spaces) {
    std::size_t padding = 0;
    for (int tries = 0; tries < 64; ++tries) {
      const std::string order = cases.Make([&](Message& m) {
        change(m);
        m.header_text = "{" + std::string(num_spaces, ' ') + m.HeaderText().substr(1);
        m.payload["args"] = json::object({{"pad", std::string(padding, 'x')}});
      });
      if (order.size() == total) return order;
      if (order.size() > total) break;
      padding += std::max<std::size_t>(1, (total - order.size()) * 3 / 4);
    }
  }
  Check(false, "no message of this length");
  return {};
}

void AddLengths(OrderCases& cases) {
  constexpr std::size_t kKiB = 1024;
  const auto as_it_is = [](Message&) {};
  const auto with_bundle = [&](Message& m) {
    m.header["x5c"] = cases.fleet().X5c({"held", "owner"});
  };
  cases.BeginsText("16 KiB without a bundle", OfLength(cases, 16 * kKiB, as_it_is));
  cases.RefusedText(kMalformed, "more than 16 KiB without a bundle",
                    OfLength(cases, 16 * kKiB + 1, as_it_is));
  cases.BeginsText("64 KiB with a bundle", OfLength(cases, 64 * kKiB, with_bundle));
  cases.RefusedText(kMalformed, "more than 64 KiB with a bundle",
                    OfLength(cases, 64 * kKiB + 1, with_bundle));
}

void AddGoodForms(OrderCases& cases) {
  cases.Begins("an order", {});
  cases.Begins("args empty", [](Message& m) { m.payload["args"] = json::object(); });
  cases.Begins("args: depth 8", [](Message& m) {
    std::string text = m.PayloadText();
    text.pop_back();
    m.payload_text = text + R"(,"args":{"a":[[[[[[]]]]]]}})";
  });
  cases.Begins("args: integer 2^53-1",
               [](Message& m) { m.payload["args"] = json::object({{"a", 9007199254740991}}); });
  cases.Begins("args: escapes", [](Message& m) {
    std::string text = m.PayloadText();
    text.pop_back();
    m.payload_text = text + R"(,"args":{"\u0061":"\ud83d\ude00 \u00e9"}})";
  });
  cases.Begins("members in another order, white space within", [](Message& m) {
    const std::string act = json::serialize(m.payload.at("act"));
    m.payload.erase("act");
    m.payload_text = "{ \"act\" : " + act + " , " + m.PayloadText().substr(1);
  });
  cases.Begins("act of 32 characters",
               [](Message& m) { m.payload["act"] = std::string(31, 'a') + "-"; });
  cases.Begins("iat far from the clock is not examined", [](Message& m) { m.payload["iat"] = 0; });
}

}  // namespace

void AddMalformedOrders(OrderCases& cases) {
  AddGoodForms(cases);
  AddForms(cases);
  AddJsonTexts(cases);
  AddHeaders(cases);
  AddPayloads(cases);
  AddLengths(cases);
}

}  // namespace countersign::vectors
