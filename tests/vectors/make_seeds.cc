// Writes the seed corpora of the fuzz targets of src/trust and of certificates, from the committed
// vectors: countersign-vector-seeds FUZZ_FOLDER. The same vectors give the same seeds.
#include <cstdio>

#include "base/encoding.h"
#include "base/files.h"
#include "crypto/hash.h"
#include "store/unload_file.h"
#include "tests/support/must.h"
#include "tests/vectors/json_text.h"
#include "tests/vectors/vector_file.h"
#include "trust/order_memory.h"
#include "trust/rule_a.h"

namespace countersign::vectors {
namespace {

namespace json = boost::json;

constexpr std::int64_t kExp = 1'795'000'000;

// Corpus is one folder, made anew; a seed is named by its content.
class Corpus {
 public:
  explicit Corpus(std::filesystem::path folder) : folder_(std::move(folder)) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void Add(ByteView seed) const {
    const std::string name = HexLower(ByteView(crypto::Sha256(seed)).first(8));
    WriteText(folder_ / name, AsText(seed));
  }

 private:
  std::filesystem::path folder_;
};

void AddCertificates(const std::filesystem::path& folder) {
  const Corpus corpus(folder / "corpus" / "certificate");
  const VectorFile ids("ids_and_generations");
  const VectorFile first_trust("first_trust");
  for (const auto* cases : {&ids.Cases("certificates"), &first_trust.Cases()}) {
    for (const auto& one : *cases) corpus.Add(CertificateOf(one.at("certificate")));
  }
}

// A bundle as bundle_fuzz reads it: certificates with their lengths before them.
void AddBundles(const std::filesystem::path& folder, const VectorFile& rule_a) {
  const Corpus corpus(folder / "corpus" / "bundle");
  for (const auto& one : rule_a.Cases()) {
    Writer writer;
    for (const Bytes& der : rule_a.Bundle(one.at("bundle").as_array())) writer.Prefixed(der);
    corpus.Add(writer.bytes());
  }
}

Jti JtiOf(std::uint8_t n) {
  std::array<std::uint8_t, 16> bytes{};
  bytes.fill(n);
  return Jti(bytes);
}

// As trust_state_fuzz reads it: with its checksum, and without.
void AddStates(const std::filesystem::path& folder, const VectorFile& rule_a) {
  const Corpus corpus(folder / "corpus" / "trust_state");
  for (const auto& [name, unused] : rule_a.json().at("states").as_object()) {
    const Bytes file = EncodeTrustState(rule_a.State(std::string_view(name)));
    corpus.Add(file);
    corpus.Add(ByteView(file).first(file.size() - sizeof(Digest)));
  }
  auto spent = rule_a.State("held");
  for (std::uint8_t n = 1; n <= 3; ++n) spent.spent.push_back({JtiOf(n), FromUnix(kExp + n)});
  const Bytes file = EncodeTrustState(spent);
  corpus.Add(file);
  corpus.Add(ByteView(file).first(file.size() - sizeof(Digest)));
}

// As warrant_fuzz reads them: as they travel, and in clear.
void AddWarrants(const std::filesystem::path& folder) {
  const Corpus corpus(folder / "corpus" / "warrant");
  const VectorFile warrants("warrants");
  for (const auto& one : warrants.Cases()) {
    const std::string_view text = TextOf(one.at("warrant"));
    const std::size_t first = text.find('.');
    const std::size_t second = text.rfind('.');
    const auto part = [&](std::size_t from, std::size_t to) {
      return std::string(AsText(testing::Must(Base64UrlDecode(text.substr(from, to - from)))));
    };
    corpus.Add(AsBytes(text));
    corpus.Add(AsBytes(part(0, first) + "\n" + part(first + 1, second)));
  }
}

// As unload_fuzz reads them: files with and without their checksum, and verifiers.
void AddUnloadStates(const std::filesystem::path& folder) {
  const Corpus corpus(folder / "corpus" / "unload");
  const std::string verifier =
      "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
  corpus.Add(AsBytes(verifier));
  corpus.Add(AsBytes("$argon2id$v=19$m=262144,t=16,p=8$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA"));
  for (const std::uint32_t failures : {0U, 3U}) {
    const Bytes file =
        store::EncodeUnloadState({.verifier = verifier,
                                  .failures = failures,
                                  .lock_left = failures == 0 ? Uptime(0) : Uptime(60'000),
                                  .boot_id = "7a3ee0e0-6f1d-4c1e-8f3a-4d0e9a530c2b",
                                  .at = Uptime(1'000'000),
                                  .wall_at = FromUnix(kExp)});
    corpus.Add(file);
    corpus.Add(ByteView(file).first(file.size() - sizeof(Digest)));
  }
}

void AddMemories(const std::filesystem::path& folder) {
  const Corpus corpus(folder / "corpus" / "order_memory");
  const Instant now = FromUnix(1'795'000'000);
  trust::OrderMemory memory;
  Bytes file;
  const auto append = [&](const Bytes& record) {
    file.insert(file.end(), record.begin(), record.end());
    corpus.Add(file);
    corpus.Add(ByteView(file).first(file.size() - 5));  // a power cut
  };
  corpus.Add(file);
  for (std::uint8_t n = 1; n <= 3; ++n) {
    append(testing::Must(memory.Start(JtiOf(n), Digest{n}, now)));
    if (n == 2) continue;
    append(memory.Finish(JtiOf(n), n == 1 ? trust::Verdict::kDone : trust::Verdict::kFailed,
                         R"({"code":0})", now));
  }
  memory.Forget(JtiOf(1));
  append(testing::Must(memory.Start(JtiOf(1), Digest{9}, now)));
  corpus.Add(memory.Encode());
}

// The state that bundle_fuzz holds, as a header.
void WriteHeldState(const std::filesystem::path& folder, const VectorFile& rule_a) {
  std::string text =
      "#pragma once\n\n"
      "#include <string_view>\n\n"
      "namespace countersign::fuzz {\n\n"
      "// The trust state \"held\" of tests/vectors/rule_a.json as a file in base64, written by\n"
      "// countersign-vector-seeds with the corpus.\n"
      "inline constexpr std::string_view kHeldState =";
  const std::string state = Base64Encode(EncodeTrustState(rule_a.State("held")));
  for (std::size_t at = 0; at < state.size(); at += 90) {
    text += "\n    \"" + state.substr(at, 90) + "\"";
  }
  WriteText(folder / "held_state.h", text + ";\n\n}  // namespace countersign::fuzz\n");
}

}  // namespace
}  // namespace countersign::vectors

int main(int argc, char** argv) {
  using namespace countersign::vectors;  // NOLINT(google-build-using-namespace)
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FUZZ_FOLDER\n", argv[0]);
    return 2;
  }
  const std::filesystem::path folder(argv[1]);
  const VectorFile rule_a("rule_a");
  AddCertificates(folder);
  AddBundles(folder, rule_a);
  AddStates(folder, rule_a);
  AddMemories(folder);
  AddWarrants(folder);
  AddUnloadStates(folder);
  WriteHeldState(folder, rule_a);
  return 0;
}
