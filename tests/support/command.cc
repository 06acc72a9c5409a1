#include "tests/support/command.h"

#include <stdlib.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>

#include "base/error.h"
#include "base/files.h"

namespace countersign::testing {

TemporaryFolder::TemporaryFolder() {
  std::string name = std::filesystem::temp_directory_path() / "countersign-test-XXXXXX";
  Check(mkdtemp(name.data()) != nullptr, "a temporary folder");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;  // nothing that a test could do about it
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TemporaryFolder::Write(const std::string& name, ByteView content) const {
  const std::filesystem::path path = path_ / name;
  const Status written = WriteFileAtomically(path, content, FileMode::kPrivate);
  Check(written.has_value(), "a file of a test");
  return path;
}

Bytes TemporaryFolder::Read(const std::string& name) const {
  Result<Bytes> content = ReadFile(path_ / name, std::size_t{64} << 20);
  Check(content.has_value(), "a file of a test");
  return std::move(*content);
}

CommandResult RunCommand(const TemporaryFolder& folder, const std::string& command) {
  const std::string line =
      "cd '" + folder.path().string() + "' && { " + command + "; } </dev/null 2>&1";
  FILE* const pipe = popen(line.c_str(), "r");
  Check(pipe != nullptr, "a shell");
  CommandResult result;
  std::array<char, 4096> buffer;
  while (const std::size_t len = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    result.output.append(buffer.data(), len);
  }
  const int status = pclose(pipe);
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  return result;
}

CommandResult RunAdvice(const TemporaryFolder& folder, std::string command,
                        const std::string& password) {
  const auto answer = [&](const std::string& question, const std::string& option) {
    for (auto at = command.find(question); at != std::string::npos;
         at = command.find(question, at + question.size())) {
      command.insert(at + question.size(), " " + option + " pass:" + password);
    }
  };
  answer("-noenc", "-passin");
  answer("-export", "-passout");
  folder.Write("advice", AsBytes(command));
  return RunCommand(folder, "bash advice");
}

}  // namespace countersign::testing
