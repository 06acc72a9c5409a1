#include <functional>
#include <optional>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "tests/vectors/generate.h"

namespace countersign::vectors {
namespace {

namespace json = boost::json;
using testing::ForgedCertificate;
using Text_ = ForgedCertificate::Text;
using Change = std::function<void(ForgedCertificate&)>;

// What is expected of a certificate for the key `server` that the key `owner` signed.
struct Expected {
  bool ca = false;
  bool key_cert_sign = false;
  std::optional<Digest> authority_key_id = {};
  std::optional<std::uint64_t> generation = {};
  std::vector<std::string> server_ids = {};
};

class Maker {
 public:
  explicit Maker(const World& world) : world_(world) {}

  void Accept(std::string_view name, const Bytes& der, std::string_view key,
              const Expected& expected) {
    json::object expect;
    expect["thumbprint"] = Text(crypto::Sha256(der));
    expect["key_digest"] = Text(world_.KeyDigest(key));
    expect["ca"] = expected.ca;
    expect["key_cert_sign"] = expected.key_cert_sign;
    expect["authority_key_id"] = nullptr;
    if (expected.authority_key_id) expect["authority_key_id"] = Text(*expected.authority_key_id);
    expect["generation"] = nullptr;
    if (expected.generation) expect["generation"] = *expected.generation;
    expect["server_ids"] = Names(expected.server_ids);
    Add(name, der, std::move(expect));
  }
  void Refuse(std::string_view name, const Change& change) { Add(name, Make(change), "refused"); }
  // The standard server certificate, changed; `expected` starts from what the standard one says.
  void Accept(std::string_view name, const Change& change,
              const std::function<void(Expected&)>& expected) {
    Expected standard = Standard();
    expected(standard);
    Accept(name, Make(change), "server", standard);
  }
  // A dnQualifier that counts as no generation.
  void NoGeneration(std::string_view name, const Change& change) {
    Accept(name, change, [](Expected& e) { e.generation = std::nullopt; });
  }
  [[nodiscard]] Expected Standard() const {
    return {.authority_key_id = world_.KeyDigest("owner"),
            .generation = kHeldGeneration,
            .server_ids = {world_.server_id().Urn()}};
  }
  [[nodiscard]] json::array Take() { return std::move(cases_); }

 private:
  void Add(std::string_view name, const Bytes& der, json::value expect) {
    json::object one;
    one["name"] = name;
    one["certificate"] = Base64Encode(der);
    one["expect"] = std::move(expect);
    cases_.push_back(std::move(one));
  }
  [[nodiscard]] Bytes Make(const Change& change) const {
    ForgedCertificate form = world_.ServerForm("owner", kHeldGeneration);
    change(form);
    return world_.Sign(form, "server", "owner");
  }

  const World& world_;
  json::array cases_;
};

void AddRoles(const World& world, Maker& maker) {
  const std::vector<std::string> ids = {world.server_id().Urn()};
  maker.Accept("server certificate", world.Server("server", "owner", kHeldGeneration), "server",
               maker.Standard());
  maker.Accept("owner certificate", world.Owner("owner"), "owner",
               {.ca = true, .key_cert_sign = true});
  maker.Accept("owner certificate, P-384", world.Owner("owner-p384"), "owner-p384",
               {.ca = true, .key_cert_sign = true});
  maker.Accept("succession", world.Succession("next-owner", "owner"), "next-owner",
               {.ca = true,
                .key_cert_sign = true,
                .authority_key_id = world.KeyDigest("owner"),
                .server_ids = ids});
  ForgedCertificate imported;
  imported.key_usage = std::nullopt;
  imported.is_ca = std::nullopt;
  maker.Accept("imported RSA", world.Sign(imported, "imported-rsa", "imported-rsa"), "imported-rsa",
               {});
}

void AddGenerations(Maker& maker) {
  const auto value = [](std::string text) {
    return [text](ForgedCertificate& c) { c.subject.back().value = text; };
  };
  const auto read_as = [](std::uint64_t generation) {
    return [generation](Expected& e) { e.generation = generation; };
  };
  maker.Accept("generation 1", value("1"), read_as(1));
  maker.Accept("generation 2^53-1", value("9007199254740991"), read_as(9'007'199'254'740'991));
  maker.NoGeneration("generation 2^53", value("9007199254740992"));
  maker.NoGeneration("generation of 17 digits", value("10000000000000000"));
  maker.NoGeneration("generation 2^64+1", value("18446744073709551617"));
  maker.NoGeneration("generation 0", value("0"));
  maker.NoGeneration("generation with leading zero", value("01780000000"));
  maker.NoGeneration("generation with plus", value("+1780000000"));
  maker.NoGeneration("generation with minus", value("-1780000000"));
  maker.NoGeneration("generation with space before", value(" 1780000000"));
  maker.NoGeneration("generation with space after", value("1780000000 "));
  maker.NoGeneration("generation in hexadecimal", value("6a18a500ff"));
  maker.NoGeneration("generation as UTF8String",
                     [](auto& c) { c.subject.back().text = Text_::kUtf8; });
  maker.NoGeneration("generation as IA5String",
                     [](auto& c) { c.subject.back().text = Text_::kIa5; });
  maker.NoGeneration("no dnQualifier", [](auto& c) { c.subject.pop_back(); });
  maker.NoGeneration("two dnQualifiers",
                     [](auto& c) { c.subject.push_back({"dnQualifier", "1780000000"}); });
  maker.NoGeneration("dnQualifier not alone in its RDN",
                     [](auto& c) { c.subject.back().in_previous_rdn = true; });
  maker.NoGeneration("serialNumber attribute instead of dnQualifier",
                     [](auto& c) { c.subject.back().attribute = "serialNumber"; });
}

void AddServerIds(const World& world, Maker& maker) {
  const std::string one = world.server_id().Urn();
  const std::string two = world.other_server_id().Urn();
  const auto uris = [&](std::string_view name, std::vector<std::string> given,
                        std::vector<std::string> read) {
    maker.Accept(name, [&](auto& c) { c.uris = given; }, [&](Expected& e) { e.server_ids = read; });
  };
  uris("two server ids, in order", {two, one}, {two, one});
  uris("other URIs are skipped", {"https://example.test/", one}, {one});
  uris("no subjectAltName", {}, {});
  uris("server id in capitals", {"urn:uuid:6F1D6C1E-8F3A-4D0E-9A53-0C2B7F5E1A01"}, {});
  uris("URN in capitals", {"URN:UUID:6f1d6c1e-8f3a-4d0e-9a53-0c2b7f5e1a01"}, {});
  uris("server id without urn:uuid:", {"6f1d6c1e-8f3a-4d0e-9a53-0c2b7f5e1a01"}, {});
  uris("server id with something after it", {one + "?"}, {});
}

void AddExtensions(Maker& maker) {
  const auto same = [](Expected&) {};
  maker.Accept(
      "authority key identifier of SHA-1", [](auto& c) { c.authority_key_id->resize(20); },
      [](Expected& e) { e.authority_key_id = std::nullopt; });
  maker.Accept(
      "no authority key identifier", [](auto& c) { c.authority_key_id = std::nullopt; },
      [](Expected& e) { e.authority_key_id = std::nullopt; });
  maker.Accept("no basicConstraints", [](auto& c) { c.is_ca = std::nullopt; }, same);
  maker.Accept(
      "CA:TRUE without keyCertSign", [](auto& c) { c.is_ca = true; },
      [](Expected& e) { e.ca = true; });
  maker.Accept("keyCertSign without CA:TRUE", [](auto& c) { c.key_usage = "keyCertSign"; }, same);
  maker.Accept(
      "unknown extension, not critical",
      [](auto& c) { c.more.push_back({"1.3.6.1.4.1.99999.1", false, {0x05, 0x00}}); }, same);
  maker.Accept(
      "extendedKeyUsage, critical",
      [](auto& c) {
        c.more.push_back({"2.5.29.37", true, {0x30, 0x0a, 0x06, 0x08, 0x2b, 6, 1, 5, 5, 7, 3, 1}});
      },
      same);
  maker.Refuse("unknown extension, critical",
               [](auto& c) { c.more.push_back({"1.3.6.1.4.1.99999.1", true, {0x05, 0x00}}); });
  maker.Refuse("nameConstraints, critical",
               [](auto& c) { c.more.push_back({"2.5.29.30", true, {0x30, 0x00}}); });
  maker.Refuse("duplicate extension",
               [](auto& c) { c.more.push_back({"2.5.29.19", true, {0x30, 0x00}}); });
}

void AddEncodingsAndAlgorithms(const World& world, Maker& maker) {
  maker.Accept("SHA-384", [](auto& c) { c.digest = "SHA384"; }, [](Expected&) {});
  maker.Refuse("octet after the end", [](auto& c) { c.after_the_end = {0}; });
  maker.Refuse("version 1", [](auto& c) { c.version = 1; });
  maker.Refuse("SHA-1", [](auto& c) { c.digest = "SHA1"; });
  maker.Refuse("ECDSA with SHA-512", [](auto& c) { c.digest = "SHA512"; });
  for (const auto& [name, spki] : world.refused_public_keys()) {
    maker.Refuse("key: " + name, [&](auto& c) { c.spki = spki; });
  }
}

}  // namespace

json::object MakeIdsAndGenerations(const World& world) {
  json::object file = NewFile(
      "What a key is called, and what a certificate says about itself (protocol section 2).");
  json::array keys;
  for (const std::string_view name : {"owner", "owner-p384", "server", "agent", "imported-rsa"}) {
    json::object one;
    one["name"] = name;
    one["spki"] = Base64Encode(world.Key(name).public_key().spki());
    one["digest"] = Text(world.KeyDigest(name));
    one["uuid"] = world.IdOf(name).Urn();
    keys.push_back(std::move(one));
  }
  file["keys"] = std::move(keys);
  Maker maker(world);
  AddRoles(world, maker);
  AddGenerations(maker);
  AddServerIds(world, maker);
  AddExtensions(maker);
  AddEncodingsAndAlgorithms(world, maker);
  file["certificates"] = maker.Take();
  return file;
}

}  // namespace countersign::vectors
