#include "cli/countersign.h"

#include <CLI/CLI.hpp>
#include <utility>

#include "base/process.h"
#include "cli/command_line.h"
#include "cli/usage.h"

namespace countersign::cli {

CommandLine::CommandLine()
    : app_("countersign: agents obey only their own management server", "countersign") {
  app_.set_version_flag("--version", COUNTERSIGN_VERSION);
  app_.require_subcommand(1);
  app_.add_option("--data", data_,
                  "the server's folder (else COUNTERSIGN_DATA, /var/lib/countersign)");
  app_.add_flag("--json", json_, "one JSON object as output");
  app_.fallthrough();
  AddServerCommands(*this);
  AddAgentCommands(*this);
  AddCertificateCommands(*this);
  AddBackupCommands(*this);
  AddOwnerCommands(*this);
  AddRolloutCommands(*this);
  AddMoveCommands(*this);
}

int CommandLine::Run(int argc, char** argv) {
  try {
    app_.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return static_cast<int>(ExplainUsage(app_, error, argc, argv));
  }
  return static_cast<int>(run_());
}

void CommandLine::Then(CLI::App* command, OnSession action) {
  ThenAlone(command, [this, action = std::move(action)](Form form) {
    auto session = Session::Find(DataFolder(data_));
    return session ? action(*session, form) : PrintError(session.error(), form);
  });
}

void CommandLine::ThenAlone(CLI::App* command, std::function<Exit(Form)> action) {
  command->callback([this, action = std::move(action)] {
    run_ = [this, action] { return action(json_ ? Form::kJson : Form::kText); };
  });
}

void PasswordFlags::AddTo(CLI::App* command, const std::string& what) {
  auto* const by_file =
      command->add_option("--password-file", file,
                          "file with the " + what +
                              " (- for standard input; else COUNTERSIGN_PASSWORD, else asked for)");
  command->add_option("--password-fd", fd, "open file descriptor with it")->excludes(by_file);
}

PasswordSource PasswordFlags::Source() const {
  PasswordSource source = AutomaticBackupPassword();
  source.file = file;
  source.fd = fd;
  return source;
}

int RunCountersign(int argc, char** argv) {
  ForbidCoreDumps();
  return CommandLine().Run(argc, argv);
}

}  // namespace countersign::cli
