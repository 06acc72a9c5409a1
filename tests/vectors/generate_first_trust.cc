#include <functional>

#include "base/encoding.h"
#include "tests/vectors/generate.h"

namespace countersign::vectors {
namespace {

namespace json = boost::json;
using testing::ForgedCertificate;
using Change = std::function<void(ForgedCertificate&)>;

class Maker {
 public:
  explicit Maker(const World& world) : world_(world) {}

  void Trust(std::string_view name, const Bytes& der, std::string_view owner,
             const ServerId& server, std::uint64_t generation) {
    json::object expect;
    expect["owner"] = Text(world_.KeyDigest(owner));
    expect["server"] = server.Urn();
    expect["generation"] = generation;
    Add(name, der, std::move(expect));
  }
  void Refuse(std::string_view name, const Bytes& der) { Add(name, der, "refused"); }
  // A certificate for the key `server` signed by `owner`, lacking what `change` takes away.
  void Refuse(std::string_view name, const Change& change) {
    ForgedCertificate form = world_.ServerForm("owner", kHeldGeneration);
    change(form);
    Refuse(name, world_.Sign(form, "server", "owner"));
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

  const World& world_;
  json::array cases_;
};

void AddIssued(const World& world, Maker& maker) {
  const ServerId id = world.server_id();
  maker.Trust("issued by an owner", world.Server("server", "owner", kHeldGeneration), "owner", id,
              kHeldGeneration);
  maker.Trust("issued by a P-384 owner", world.Server("server-p384", "owner-p384", 5), "owner-p384",
              id, 5);
  maker.Trust("two server ids: the first is stored",
              world.Server("server", "owner", 7, {world.other_server_id(), id}), "owner",
              world.other_server_id(), 7);
  ForgedCertificate form = world.ServerForm("owner", 8);
  form.is_ca = std::nullopt;
  maker.Trust("no basicConstraints count as CA:FALSE", world.Sign(form, "server", "owner"), "owner",
              id, 8);
}

void AddImported(const World& world, Maker& maker) {
  constexpr std::uint64_t kNotBefore = 1'767'225'600;
  const ForgedCertificate complete = world.ServerForm("owner", 9);
  ForgedCertificate bare = complete;
  bare.subject.pop_back();
  bare.uris.clear();
  bare.authority_key_id = std::nullopt;
  for (const std::string_view key : {"imported-rsa", "server", "server-p384"}) {
    maker.Trust("imported " + world.Key(key).public_key().Description(), world.Sign(bare, key, key),
                key, world.IdOf(key), kNotBefore);
  }
  ForgedCertificate ca = bare;
  ca.is_ca = true;
  ca.key_usage = "keyCertSign";
  maker.Trust("imported, CA:TRUE", world.Sign(ca, "server", "server"), "server",
              world.IdOf("server"), kNotBefore);
  ForgedCertificate id_only = complete;
  id_only.subject.pop_back();
  maker.Trust("imported, with a server id but no generation: neither is read",
              world.Sign(id_only, "server", "server"), "server", world.IdOf("server"), kNotBefore);
  ForgedCertificate generation_only = complete;
  generation_only.uris.clear();
  maker.Trust("imported, with a generation but no server id: neither is read",
              world.Sign(generation_only, "server", "server"), "server", world.IdOf("server"),
              kNotBefore);
  maker.Trust("imported, with both; its authority key identifier names another key",
              world.Sign(complete, "server", "server"), "server", world.server_id(), 9);
  ForgedCertificate old = bare;
  old.not_before = FromUnix(-315'619'200);  // 1960
  maker.Trust("imported, valid since before 1970: generation 1",
              world.Sign(old, "server", "server"), "server", world.IdOf("server"), 1);
  maker.Trust("an owner certificate verifies under itself", world.Owner("owner"), "owner",
              world.IdOf("owner"), kNotBefore);
}

void AddRefused(const World& world, Maker& maker) {
  maker.Refuse("CA:TRUE, signed by another key", [](auto& c) { c.is_ca = true; });
  maker.Refuse("no authority key identifier", [](auto& c) { c.authority_key_id = std::nullopt; });
  maker.Refuse("authority key identifier of SHA-1",
               [](auto& c) { c.authority_key_id->resize(20); });
  maker.Refuse("authority key identifier of 33 octets",
               [](auto& c) { c.authority_key_id->push_back(0); });
  maker.Refuse("no server id", [](auto& c) { c.uris.clear(); });
  maker.Refuse("server id in capitals",
               [](auto& c) { c.uris = {"urn:uuid:6F1D6C1E-8F3A-4D0E-9A53-0C2B7F5E1A01"}; });
  maker.Refuse("no generation", [](auto& c) { c.subject.pop_back(); });
  maker.Refuse("succession", world.Succession("next-owner", "owner"));
  maker.Refuse("unreadable: octet after the end", [](auto& c) { c.after_the_end = {0}; });
  maker.Refuse("unreadable: SHA-1", [](auto& c) { c.digest = "SHA1"; });
}

}  // namespace

json::object MakeFirstTrust(const World& world) {
  json::object file = NewFile(
      "What an agent stores when local authority gives it one certificate (protocol section 3).");
  Maker maker(world);
  AddIssued(world, maker);
  AddImported(world, maker);
  AddRefused(world, maker);
  file["cases"] = maker.Take();
  return file;
}

}  // namespace countersign::vectors
