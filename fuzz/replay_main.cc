// Runs a fuzz target over every file of the folders given, for compilers without libFuzzer and for
// ctest. An empty or missing folder is a failure: a corpus that was lost must not look like one
// that passed.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

// Returns the number of files that ran; -1 if the folder or one of its files cannot be read.
int Replay(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  int num_inputs = 0;
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    std::ifstream file(entry->path(), std::ios::binary);
    const std::vector<char> bytes(std::istreambuf_iterator<char>(file), {});
    if (!file.good() && !file.eof()) return -1;
    std::fprintf(stderr, "%s\n", entry->path().c_str());  // Names the culprit if the target aborts.
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    ++num_inputs;
  }
  return error ? -1 : num_inputs;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s FOLDER...\n", argv[0]);
    return 2;
  }
  for (int i = 1; i < argc; ++i) {
    const int num_inputs = Replay(argv[i]);
    if (num_inputs <= 0) {
      std::fprintf(stderr, "%s: no inputs\n", argv[i]);
      return 1;
    }
    std::printf("%s: %d inputs\n", argv[i], num_inputs);
  }
  return 0;
}
