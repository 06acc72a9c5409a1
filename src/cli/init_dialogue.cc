#include "cli/init_dialogue.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/terminal.h"
#include "cli/output.h"
#include "cli/pasted.h"
#include "keys/backup.h"

namespace countersign::cli {
namespace {

std::unexpected<Error> GiveUp(std::string_view what) {
  return Fail(Code::kUsage, "no " + std::string(what) + "; nothing was done",
              "countersign server init, or its options: countersign server init --help");
}

std::string LoweredText(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t'; });
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return text;
}

// Choose returns the index of the answer among `choices`, each of which has several spellings.
Result<std::size_t> Choose(Console& console, std::string_view question,
                           const std::vector<std::vector<std::string>>& choices) {
  for (int i = 0; i < kMaxTries; ++i) {
    const auto answer = console.Ask(question);
    if (!answer) return std::unexpected(answer.error());
    for (std::size_t at = 0; at < choices.size(); ++at) {
      if (std::ranges::find(choices[at], LoweredText(*answer)) != choices[at].end()) return at;
    }
  }
  return GiveUp("usable answer");
}

// AskNewPassword asks twice for a password that is good enough. An empty one is taken at once if it
// may be.
Result<SecretBytes> AskNewPassword(Console& console, std::string_view question, EmptySecret empty) {
  for (int i = 0; i < kMaxTries; ++i) {
    auto password = console.AskSecret(question);
    if (!password) return password;
    if (password->empty() && empty == EmptySecret::kAllowed) return password;
    if (const auto good = keys::CheckBackupPassword(*password); !good) {
      console.Say(good.error().message + ".");
      continue;
    }
    const auto again = console.AskSecret("The same again: ");
    if (!again) return std::unexpected(again.error());
    if (*again == *password) return password;
    console.Say("The two passwords differ.");
  }
  return GiveUp("usable password");
}

Result<std::string> AskFile(Console& console,
                            const std::function<bool(const std::string&)>& is_file) {
  for (int i = 0; i < kMaxTries; ++i) {
    const auto answer = console.Ask("File: ");
    if (!answer) return answer;
    const auto path = PastedPath("the path", *answer, is_file);
    if (!path) {
      console.Say(path.error().message + ".");
    } else if (is_file(*path)) {
      return path;
    } else {
      console.Say("There is no such file.");
    }
  }
  return GiveUp("file to take over");
}

Result<InitAnswers> AskForImport(Console& console,
                                 const std::function<bool(const std::string&)>& is_file) {
  InitAnswers answers;
  auto file = AskFile(console, is_file);
  if (!file) return std::unexpected(std::move(file).error());
  answers.import_file = *std::move(file);
  auto password = console.AskSecret("Its password: ");
  if (!password) return std::unexpected(std::move(password).error());
  answers.import_password = *std::move(password);
  auto own = AskNewPassword(
      console,
      answers.import_password.empty()
          ? "A password for this server's automatic backup: "
          : "Another password for this server's automatic backup (empty: "
            "the same): ",
      answers.import_password.empty() ? EmptySecret::kRefused : EmptySecret::kAllowed);
  if (!own) return std::unexpected(std::move(own).error());
  answers.backup_password = *std::move(own);
  return answers;
}

class TerminalConsole final : public Console {
 public:
  void Say(std::string_view line) override { PrintToError(line); }
  Result<std::string> Ask(std::string_view question) override { return PromptText(question); }
  Result<SecretBytes> AskSecret(std::string_view question) override {
    return PromptSecret(question, EmptySecret::kAllowed);
  }
};

}  // namespace

Result<InitAnswers> AskForIdentity(Console& console, const std::filesystem::path& folder,
                                   const std::function<bool(const std::string&)>& is_file) {
  console.Say("This makes a server in " + folder.string() + ".");
  console.Say("Its agents will trust its certificate:");
  console.Say("  1  make a new one");
  console.Say("  2  take over that of an earlier server (AuthCertBackup/OfficeScanAuth.dat, a");
  console.Say("     PKCS#12 file, or the ZIP of CertificateManager -b)");
  const auto choice = Choose(console, "1 or 2: ", {{"1", "1.", "new"}, {"2", "2.", "import"}});
  if (!choice) return std::unexpected(choice.error());
  if (*choice == 1) return AskForImport(console, is_file);
  console.Say("WARNING: a new certificate cuts off the agents of an earlier server: they refuse");
  console.Say("this one until the mover (IpXfer) or a new installation has been on each of them.");
  const auto backup = Choose(
      console, "Is there a backup of an earlier server, to be taken over instead? (yes or no): ",
      {{"no", "n"}, {"yes", "y"}});
  if (!backup) return std::unexpected(backup.error());
  if (*backup == 1) return AskForImport(console, is_file);
  console.Say("The owner key will be only in the automatic backup, under a password. Without that");
  console.Say("password no other certificate can ever be made: keep it in another place, too.");
  auto password =
      AskNewPassword(console, "Password of the automatic backup: ", EmptySecret::kRefused);
  if (!password) return std::unexpected(std::move(password).error());
  InitAnswers answers;
  answers.backup_password = *std::move(password);
  return answers;
}

Result<InitAnswers> AskOnTerminal(const std::filesystem::path& folder) {
  TerminalConsole console;
  return AskForIdentity(console, folder, [](const std::string& path) {
    std::error_code failed;
    return std::filesystem::is_regular_file(path, failed);
  });
}

}  // namespace countersign::cli
