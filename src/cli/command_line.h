#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <string>

#include "cli/output.h"
#include "cli/passwords.h"
#include "cli/session.h"

namespace countersign::cli {

// CommandLine is `countersign` with all its commands. Each group of commands declares itself with
// Add…Commands; of all declared commands the one that was typed runs.
class CommandLine {
 public:
  using OnSession = std::function<Exit(Session&, Form)>;

  CommandLine();
  // Run parses, and runs the command. Returns the exit code.
  [[nodiscard]] int Run(int argc, char** argv);

  [[nodiscard]] CLI::App& app() { return app_; }
  // data: the server's folder as given, or empty.
  [[nodiscard]] const std::string& data() const { return data_; }
  // Then makes a command that talks to a server, running or not.
  void Then(CLI::App* command, OnSession action);
  // ThenAlone makes one that needs no server.
  void ThenAlone(CLI::App* command, std::function<Exit(Form)> action);

 private:
  CLI::App app_;
  std::function<Exit()> run_;
  std::string data_;
  bool json_ = false;
};

// PasswordFlags are --password-file and --password-fd of a command.
struct PasswordFlags {
  std::string file;
  std::string fd;
  // AddTo: what is declared refers to this object. `what`: "password of the automatic backup".
  void AddTo(CLI::App* command, const std::string& what);
  [[nodiscard]] PasswordSource Source() const;
};

// AddPasswordChange declares `countersign backup password`, and by its other name `countersign
// owner change-password`.
void AddPasswordChange(CommandLine& line, CLI::App* parent, const std::string& name);

// AddUnloadCommands declares `countersign agents unload-password`, AddWarrantCommand `countersign
// owner warrant`.
void AddUnloadCommands(CommandLine& line, CLI::App* agents);
void AddWarrantCommand(CommandLine& line, CLI::App* owner);

// The groups of commands.
void AddServerCommands(CommandLine& line);       // server, status, events
void AddAgentCommands(CommandLine& line);        // agents, order
void AddCertificateCommands(CommandLine& line);  // cert
void AddBackupCommands(CommandLine& line);       // backup
void AddOwnerCommands(CommandLine& line);        // owner
void AddRolloutCommands(CommandLine& line);      // rollout
void AddMoveCommands(CommandLine& line);         // move

}  // namespace countersign::cli
