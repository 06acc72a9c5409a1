// Writes the seed corpora of the fuzz targets of src/wire: make_wire_seeds FOLDER, where FOLDER is
// fuzz/corpus. Each holds valid messages as they travel, the same as header and payload in clear
// (fuzz/wire_fuzz.h), and near misses. Keys and signatures are new each time.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "crypto/hash.h"
#include "wire/messages.h"
#include "wire/sample_messages.h"

namespace countersign::wire::testing {
namespace {

constexpr std::size_t kNearMisses = 20;

class Corpus {
 public:
  explicit Corpus(std::filesystem::path folder) : folder_(std::move(folder)) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }

  void AddValid(const std::string& name, const Result<std::string>& message) const {
    Write(name + ".jws", message.value());
    const JwsText text = Open(*message);
    Write(name + ".txt", text.header + "\n" + text.payload);
  }

  void AddOctets(const std::string& name, std::string_view octets) const { Write(name, octets); }

  // About kNearMisses of all the ways in which a test breaks the members of this message.
  void AddNearMisses(const Result<std::string>& message) const {
    const JwsText text = Open(message.value());
    const auto payloads = BreakEach(text.payload, {});
    for (std::size_t i = 0; i < payloads.size(); i += payloads.size() / kNearMisses + 1) {
      Write("broken-payload-" + std::to_string(i) + ".txt", text.header + "\n" + payloads[i].json);
    }
    const auto headers = BreakEach(text.header, {});
    for (std::size_t i = 0; i < headers.size(); i += 7) {
      Write("broken-header-" + std::to_string(i) + ".txt", headers[i].json + "\n" + text.payload);
    }
    Write("padded.jws", message.value() + "=");
    Write("four-parts.jws", message.value() + ".c2ln");
  }

 private:
  void Write(const std::string& name, std::string_view octets) const {
    std::ofstream(folder_ / name, std::ios::binary) << octets;
  }
  std::filesystem::path folder_;
};

// A certificate's place is held by other octets: the parsers look at their SHA-256 only.
template <class Message>
Message WithBundle(Message message) {
  message.x5c = {Bytes(40, 0x30), Bytes(30, 0x31)};
  message.x5t = crypto::Sha256(message.x5c.front());
  return message;
}

void WriteAll(const std::filesystem::path& root) {
  const crypto::PrivateKey& key = SampleKey();
  const Corpus order(root / "order");
  order.AddValid("plain", SignOrder(SampleOrder(), key));
  order.AddValid("bundle", SignOrder(WithBundle(SampleOrder()), key));
  order.AddNearMisses(SignOrder(WithBundle(SampleOrder()), key));

  const Corpus receipt(root / "receipt");
  receipt.AddValid("done-before", SignReceipt(SampleReceipt(), key));
  Receipt malformed = SampleReceipt();
  malformed.verdict = trust::Verdict::kMalformed;
  malformed.order.reset();
  malformed.earlier.reset();
  malformed.result.clear();
  receipt.AddValid("malformed", SignReceipt(malformed, key));
  receipt.AddNearMisses(SignReceipt(SampleReceipt(), key));

  const Corpus report(root / "report");
  Report sample = SampleReport(key.public_key());
  report.AddValid("enrol", SignReport(sample, key));
  report.AddNearMisses(SignReport(sample, key));
  sample.enrol.reset();
  sample.x5c = {Bytes(40, 0x30)};
  report.AddValid("bundle", SignReport(sample, key));

  const Corpus reply(root / "reply");
  reply.AddValid("all", SignReply(SampleReply(), key));
  reply.AddValid("bundle", SignReply(WithBundle(SampleReply()), key));
  reply.AddNearMisses(SignReply(WithBundle(SampleReply()), key));

  const Corpus history(root / "history");
  history.AddValid("line", SignHistoryLine(SampleHistoryLine(), key));
  history.AddNearMisses(SignHistoryLine(SampleHistoryLine(), key));
  HistoryLine unsigned_line = SampleHistoryLine();
  unsigned_line.x5t.reset();
  history.AddOctets("unsigned", FormatUnsignedHistoryLine(unsigned_line).value());
}

}  // namespace
}  // namespace countersign::wire::testing

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  countersign::wire::testing::WriteAll(argv[1]);
  return 0;
}
