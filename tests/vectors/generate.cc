// Re-creates the test vectors: countersign-vectors KEYS.json FOLDER. Signatures are random, so
// every run changes every file; the files in the tree change only when their cases do.
#include "tests/vectors/generate.h"

#include <cstdio>

#include "tests/vectors/json_text.h"

int main(int argc, char** argv) {
  using namespace countersign::vectors;  // NOLINT(google-build-using-namespace)
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s KEYS.json FOLDER\n", argv[0]);
    return 2;
  }
  const World world{std::filesystem::path(argv[1])};
  const std::filesystem::path folder(argv[2]);
  WriteText(folder / "ids_and_generations.json", Pretty(MakeIdsAndGenerations(world)));
  WriteText(folder / "first_trust.json", Pretty(MakeFirstTrust(world)));
  WriteText(folder / "rule_a.json", Pretty(MakeRuleA(world)));
  WriteText(folder / "orders.json", Pretty(MakeOrders(world)));
  WriteText(folder / "replies.json", Pretty(MakeReplies(world)));
  WriteText(folder / "receipts.json", Pretty(MakeReceipts(world)));
  WriteText(folder / "reports.json", Pretty(MakeReports(world)));
  WriteText(folder / "warrants.json", Pretty(MakeWarrants(world)));
  return 0;
}
