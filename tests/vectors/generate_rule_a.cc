#include <functional>

#include "base/encoding.h"
#include "tests/vectors/generate.h"

namespace countersign::vectors {
namespace {

namespace json = boost::json;
using testing::ForgedCertificate;
using Change = std::function<void(ForgedCertificate&)>;
using Bundle = std::vector<std::string>;

constexpr std::uint64_t kMaxGeneration = (std::uint64_t{1} << 53) - 1;

// Makes the cases of one file. Certificates get names of their own in the file's table; "owner",
// "held" and so on are the standard ones.
class Maker {
 public:
  explicit Maker(const World& world) : world_(world) {}

  void AddState(const std::string& name, const State& state) {
    states_[name] = StateJson(world_, table_, state);
  }
  // Cases start from the state "held" unless On says otherwise for the next one.
  Maker& On(std::string state) {
    state_ = std::move(state);
    return *this;
  }
  Maker& Distrusting(const Digest& digest) {
    distrusted_.emplace_back(Text(digest));
    return *this;
  }
  void Accept(std::string_view name, const Bundle& bundle, const State& after) {
    json::object& one = Add(name, bundle, "accepted");
    one["after"] = HeldJson(world_, table_, after);
  }
  void Refuse(std::string_view reason, std::string_view name, const Bundle& bundle) {
    Add(name, bundle, reason);
  }
  // The plain bundle of a server certificate changed in one place.
  void RefuseServer(std::string_view reason, const std::string& name, const Change& change) {
    ForgedCertificate form = world_.ServerForm("owner", kNextGeneration);
    change(form);
    Refuse(reason, "certificate 0: " + name,
           {table_.Add("server with " + name, world_.Sign(form, "next-server", "owner")), "owner"});
  }
  void RefuseSuccession(std::string_view reason, const std::string& name, const Change& change) {
    ForgedCertificate form = world_.SuccessionForm();
    change(form);
    Refuse(
        reason, "succession: " + name,
        {"server of next owner",
         table_.Add("succession with " + name, world_.Sign(form, "next-owner", "owner")), "owner"});
  }
  [[nodiscard]] CertificateTable& table() { return table_; }
  [[nodiscard]] const World& world() const { return world_; }
  [[nodiscard]] State After(std::string certificate, std::string owner,
                            std::uint64_t generation = kNextGeneration) const {
    return {.certificate = std::move(certificate),
            .owner = std::move(owner),
            .server = world_.server_id(),
            .generation = generation};
  }
  void Finish(json::object& file) {
    file["certificates"] = table_.ToJson();
    file["states"] = std::move(states_);
    file["cases"] = std::move(cases_);
  }

 private:
  json::object& Add(std::string_view name, const Bundle& bundle, std::string_view expect) {
    json::object& one = cases_.emplace_back(json::object_kind).get_object();
    one["name"] = name;
    one["state"] = std::exchange(state_, "held");
    one["bundle"] = Names(bundle);
    one["distrusted"] = std::exchange(distrusted_, {});
    one["expect"] = expect;
    return one;
  }

  const World& world_;
  CertificateTable table_;
  json::object states_;
  json::array cases_;
  json::array distrusted_;
  std::string state_ = "held";
};

void AddCertificatesAndStates(Maker& maker) {
  const World& world = maker.world();
  const ServerId id = world.server_id();
  CertificateTable& table = maker.table();
  for (const std::string name : {"owner", "next-owner", "third-owner", "other-owner"}) {
    table.Add(name, world.Owner(name));
  }
  table.Add("held", world.Server("server", "owner", kHeldGeneration));
  table.Add("next", world.Server("next-server", "owner", kNextGeneration));
  table.Add("server of next owner", world.Server("next-server", "next-owner", kNextGeneration));
  table.Add("succession", world.Succession("next-owner", "owner"));
  maker.AddState("held", maker.After("held", "owner", kHeldGeneration));
  State moved = maker.After("server of next owner", "next-owner");
  moved.bundle = {"server of next owner", "succession", "owner"};
  maker.AddState("after a succession", moved);
  State two = maker.After("held", "owner", kHeldGeneration);
  two.more_highest = {{world.other_server_id(), kMaxGeneration}};
  maker.AddState("has trusted two servers", two);
  ForgedCertificate imported;
  imported.is_ca = std::nullopt;
  imported.key_usage = std::nullopt;
  table.Add("imported", world.Sign(imported, "imported-rsa", "imported-rsa"));
  maker.AddState("imported", {.certificate = "imported",
                              .owner = "imported-rsa",
                              .server = world.IdOf("imported-rsa"),
                              .generation = 1'767'225'600});
  table.Add("second server id",
            world.Server("server", "owner", kHeldGeneration, {world.other_server_id(), id}));
  maker.AddState("second server id", maker.After("second server id", "owner", kHeldGeneration));
}

void AddAccepted(Maker& maker) {
  const World& world = maker.world();
  CertificateTable& table = maker.table();
  maker.Accept("certificate of the stored owner", {"next", "owner"}, maker.After("next", "owner"));
  maker.Accept("the same certificate: nothing changes", {"held", "owner"},
               maker.After("held", "owner", kHeldGeneration));
  maker.On("has trusted two servers")
      .Accept("generations of other servers do not count", {"next", "owner"},
              maker.After("next", "owner"));
  maker.On("second server id")
      .Accept(
          "stored server id is not the first that is named",
          {table.Add("both ids, next", world.Server("next-server", "owner", kNextGeneration,
                                                    {world.other_server_id(), world.server_id()})),
           "owner"},
          maker.After("both ids, next", "owner"));
  table.Add("greatest generation", world.Server("next-server", "owner", kMaxGeneration));
  maker.Accept("generation 2^53-1", {"greatest generation", "owner"},
               maker.After("greatest generation", "owner", kMaxGeneration));
  ForgedCertificate dates = world.ServerForm("owner", kNextGeneration);
  dates.subject.front().value = "somebody else";
  dates.not_before = FromUnix(4'000'000'000);
  dates.not_after = FromUnix(4'000'000'001);
  table.Add("odd names and dates", world.Sign(dates, "next-server", "owner"));
  maker.Accept("names and dates are not compared", {"odd names and dates", "owner"},
               maker.After("odd names and dates", "owner"));
  ForgedCertificate carrier;
  carrier.not_after = FromUnix(1'767'225'601);
  table.Add("carrier", world.Sign(carrier, "owner", "other-owner"));
  maker.Accept("of the last certificate only the key is read", {"next", "carrier"},
               maker.After("next", "owner"));
  ForgedCertificate unasked = world.ServerForm("owner", kNextGeneration);
  unasked.is_ca = std::nullopt;
  unasked.key_usage = std::nullopt;
  unasked.more.push_back({"1.3.6.1.4.1.99999.1", false, {0x05, 0x00}});
  table.Add("no basicConstraints", world.Sign(unasked, "next-server", "owner"));
  maker.Accept("no basicConstraints count as CA:FALSE", {"no basicConstraints", "owner"},
               maker.After("no basicConstraints", "owner"));
}

// Owners that certified each other by turns: a chain of any length from four certificates.
void AddOwnerChanges(Maker& maker) {
  const World& world = maker.world();
  CertificateTable& table = maker.table();
  maker.Accept("owner change", {"server of next owner", "succession", "owner"},
               maker.After("server of next owner", "next-owner"));
  table.Add("third by next", world.Succession("third-owner", "next-owner"));
  table.Add("next by third", world.Succession("next-owner", "third-owner"));
  table.Add("server of third owner", world.Server("next-server", "third-owner", kNextGeneration));
  maker.Accept("two owner changes",
               {"server of third owner", "third by next", "succession", "owner"},
               maker.After("server of third owner", "third-owner"));
  Bundle longest = {"server of third owner"};
  for (int i = 0; i < 15; ++i) {
    longest.push_back("third by next");
    longest.push_back(i < 14 ? "next by third" : "succession");
  }
  longest.push_back("owner");
  maker.Accept("32 certificates", longest, maker.After("server of third owner", "third-owner"));
  longest.front() = "server of next owner";
  longest.insert(longest.begin() + 1, "next by third");
  maker.Refuse("chain", "33 certificates", longest);
  maker.On("after a succession")
      .Refuse("other-owner", "an earlier owner does not come back",
              {table.Add("later by owner", world.Server("server", "owner", kNextGeneration + 1)),
               "owner"});
  table.Add("later by next owner", world.Server("server", "next-owner", kNextGeneration + 1));
  maker.On("after a succession")
      .Accept("the later owner needs no succession any more", {"later by next owner", "next-owner"},
              maker.After("later by next owner", "next-owner", kNextGeneration + 1));
  const ServerId imported_id = world.IdOf("imported-rsa");
  table.Add("owner by imported", world.Sign(
                                     [&] {
                                       ForgedCertificate form = world.SuccessionForm();
                                       form.uris = {imported_id.Urn()};
                                       return form;
                                     }(),
                                     "owner", "imported-rsa"));
  table.Add("server for imported", world.Server("next-server", "owner", kNextGeneration,
                                                {world.server_id(), imported_id}));
  State after = maker.After("server for imported", "owner");
  after.server = imported_id;
  maker.On("imported")
      .Accept("imported identity is followed by an owner",
              {"server for imported", "owner by imported", "imported"}, after);
}

// Two successions, padded so that the whole bundle has exactly 32 KiB, and one octet more.
void AddLengths(Maker& maker) {
  const World& world = maker.world();
  CertificateTable& table = maker.table();
  constexpr std::size_t kMaxLen = 32 * 1024;
  const auto padded = [&](std::size_t padding, std::string_view to, std::string_view from) {
    ForgedCertificate form = world.SuccessionForm();
    form.uris.push_back("x:" + std::string(padding, 'x'));
    return world.Sign(form, to, from);
  };
  table.Add("wide succession", padded(15'500, "third-owner", "next-owner"));
  const std::size_t others_len = table.Get("server of third owner").size() +
                                 table.Get("wide succession").size() + table.Get("owner").size();
  const auto fill = [&](const std::string& name, std::size_t total) {
    std::size_t padding = 15'000;
    Bytes der = padded(padding, "next-owner", "owner");
    while (der.size() + others_len != total) {  // the length of a signature varies
      padding += total - others_len - der.size();
      der = padded(padding, "next-owner", "owner");
    }
    table.Add(name, std::move(der));
  };
  fill("fills 32 KiB", kMaxLen);
  fill("fills 32 KiB and one octet", kMaxLen + 1);
  maker.Accept("32 KiB of certificates",
               {"server of third owner", "wide succession", "fills 32 KiB", "owner"},
               maker.After("server of third owner", "third-owner"));
  maker.Refuse("chain", "one octet more than 32 KiB",
               {"server of third owner", "wide succession", "fills 32 KiB and one octet", "owner"});
}

void AddOtherOwnerAndChain(Maker& maker) {
  const World& world = maker.world();
  CertificateTable& table = maker.table();
  table.Add("of other owner", world.Server("next-server", "other-owner", kNextGeneration));
  maker.Refuse("other-owner", "complete bundle of another owner",
               {"of other owner", "other-owner"});
  maker.Refuse("other-owner", "stored owner stands in the middle",
               {"server of next owner", "succession", "owner", "other-owner"});
  maker.Refuse("other-owner", "one certificate, of another key", {"next"});
  maker.Refuse("chain", "one certificate, the owner's", {"owner"});
  maker.Refuse("chain", "succession missing", {"server of next owner", "owner"});
  maker.Refuse("chain", "succession in the first place", {"succession", "owner"});
  maker.Refuse("chain", "order reversed", {"succession", "server of next owner", "owner"});
  maker.Refuse("chain", "held certificate used as an issuer",
               {table.Add("by held", world.Server("next-server", "server", kNextGeneration)),
                "held", "owner"});
  maker.Refuse("chain", "certificate 0 signed by another key",
               {table.Add("signed by thief", world.Sign(world.ServerForm("owner", kNextGeneration),
                                                        "next-server", "server")),
                "owner"});
  maker.Refuse(
      "chain", "succession signed by another key",
      {"server of next owner",
       table.Add("succession by thief", world.Sign(world.SuccessionForm(), "next-owner", "server")),
       "owner"});
  table.Add("not a certificate", ToBytes("not a certificate"));
  maker.Refuse("chain", "certificate 0 unreadable", {"not a certificate", "owner"});
  maker.Refuse("other-owner", "last certificate unreadable", {"next", "not a certificate"});
}

void AddServerFaults(Maker& maker) {
  maker.RefuseServer("chain", "CA:TRUE", [](auto& c) { c.is_ca = true; });
  maker.RefuseServer("chain", "no authority key identifier",
                     [](auto& c) { c.authority_key_id = std::nullopt; });
  maker.RefuseServer("chain", "authority key identifier of SHA-1",
                     [](auto& c) { c.authority_key_id->resize(20); });
  maker.RefuseServer("chain", "authority key identifier of another key",
                     [](auto& c) { c.authority_key_id->back() ^= 1; });
  maker.RefuseServer("chain", "no generation", [](auto& c) { c.subject.pop_back(); });
  maker.RefuseServer("chain", "two generations",
                     [](auto& c) { c.subject.push_back({"dnQualifier", "1790000000"}); });
  maker.RefuseServer("chain", "generation 2^53",
                     [](auto& c) { c.subject.back().value = "9007199254740992"; });
  maker.RefuseServer("chain", "unknown critical extension", [](auto& c) {
    c.more.push_back({"1.3.6.1.4.1.99999.1", true, {0x05, 0x00}});
  });
  maker.RefuseServer("chain", "octet after the end", [](auto& c) { c.after_the_end = {0}; });
  maker.RefuseServer("chain", "signature over SHA-1", [](auto& c) { c.digest = "SHA1"; });
  maker.RefuseServer("wrong-server", "no server id", [](auto& c) { c.uris.clear(); });
  maker.RefuseServer("wrong-server", "other server id",
                     [&](auto& c) { c.uris = {maker.world().other_server_id().Urn()}; });
  maker.RefuseServer("older-generation", "generation one lower",
                     [](auto& c) { c.subject.back().value = std::to_string(kHeldGeneration - 1); });
  maker.RefuseServer("older-generation", "generation 1",
                     [](auto& c) { c.subject.back().value = "1"; });
  maker.RefuseServer("fork", "generation equal, another key",
                     [](auto& c) { c.subject.back().value = std::to_string(kHeldGeneration); });
  maker.Refuse("fork", "certificate 0: generation equal, same key, signed anew",
               {maker.table().Add("held, signed anew",
                                  maker.world().Server("server", "owner", kHeldGeneration)),
                "owner"});
}

void AddSuccessionFaults(Maker& maker) {
  maker.RefuseSuccession("chain", "CA:FALSE", [](auto& c) { c.is_ca = false; });
  maker.RefuseSuccession("chain", "no basicConstraints", [](auto& c) { c.is_ca = std::nullopt; });
  maker.RefuseSuccession("chain", "no keyUsage", [](auto& c) { c.key_usage = std::nullopt; });
  maker.RefuseSuccession("chain", "no keyCertSign",
                         [](auto& c) { c.key_usage = "digitalSignature,cRLSign"; });
  maker.RefuseSuccession("chain", "octet after the end", [](auto& c) { c.after_the_end = {0}; });
  maker.RefuseSuccession("wrong-server", "no server id", [](auto& c) { c.uris.clear(); });
  maker.RefuseSuccession("wrong-server", "other server id",
                         [&](auto& c) { c.uris = {maker.world().other_server_id().Urn()}; });
}

void AddDistrusted(Maker& maker) {
  const Bundle bundle = {"server of next owner", "succession", "owner"};
  const std::vector<std::string> keys = {"next-server", "next-owner", "owner"};
  for (std::size_t i = 0; i < bundle.size(); ++i) {
    const std::string place = "certificate " + std::to_string(i);
    maker.Distrusting(maker.table().Thumbprint(bundle[i]))
        .Refuse("distrusted", place + " is distrusted", bundle);
    maker.Distrusting(maker.world().KeyDigest(keys[i]))
        .Refuse("distrusted", "the key of " + place + " is distrusted", bundle);
  }
  maker.Distrusting(maker.world().KeyDigest("other-owner"))
      .Accept("another key is distrusted", bundle,
              maker.After("server of next owner", "next-owner"));
}

// A bundle that breaks two clauses is named by the earlier one.
void AddRanking(Maker& maker) {
  const World& world = maker.world();
  CertificateTable& table = maker.table();
  const auto add = [&](const std::string& name, std::string_view owner, const Change& change) {
    ForgedCertificate form = world.ServerForm(owner, kNextGeneration);
    change(form);
    return table.Add(name, world.Sign(form, "next-server", owner));
  };
  const std::string other = world.other_server_id().Urn();
  maker.Refuse("other-owner", "other owner before chain",
               {add("rank 1-2", "other-owner", [](auto& c) { c.is_ca = true; }), "other-owner"});
  maker.Refuse("other-owner", "other owner before wrong server",
               {add("rank 1-3", "other-owner", [&](auto& c) { c.uris = {other}; }), "other-owner"});
  maker.Refuse("chain", "chain before wrong server",
               {add("rank 2-3", "owner",
                    [&](auto& c) {
                      c.is_ca = true;
                      c.uris = {other};
                    }),
                "owner"});
  maker.Refuse("chain", "chain before generation",
               {add("rank 2-4", "owner",
                    [](auto& c) {
                      c.subject.back().value = "1";
                      c.authority_key_id = std::nullopt;
                    }),
                "owner"});
  add("rank 3-4", "owner", [&](auto& c) {
    c.subject.back().value = "1";
    c.uris = {other};
  });
  maker.Refuse("wrong-server", "wrong server before generation", {"rank 3-4", "owner"});
  maker.Distrusting(world.KeyDigest("next-server"))
      .Refuse("wrong-server", "wrong server before distrusted", {"rank 3-4", "owner"});
  add("rank 4-5", "owner", [](auto& c) { c.subject.back().value = "1"; });
  maker.Distrusting(world.KeyDigest("next-server"))
      .Refuse("older-generation", "generation before distrusted", {"rank 4-5", "owner"});
  maker.Distrusting(table.Thumbprint("held"))
      .Refuse("distrusted", "the certificate held may be distrusted too", {"held", "owner"});
}

}  // namespace

json::object MakeRuleA(const World& world) {
  json::object file =
      NewFile("When an agent accepts a bundle, and how it names a refusal (protocol section 4).");
  Maker maker(world);
  AddCertificatesAndStates(maker);
  AddAccepted(maker);
  AddOwnerChanges(maker);
  AddLengths(maker);
  AddOtherOwnerAndChain(maker);
  AddServerFaults(maker);
  AddSuccessionFaults(maker);
  AddDistrusted(maker);
  AddRanking(maker);
  maker.Finish(file);
  return file;
}

}  // namespace countersign::vectors
