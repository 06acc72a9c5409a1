#include "cli/agentd_unload.h"

#include <CLI/CLI.hpp>

namespace countersign::cli {

AgentdUnload::AgentdUnload(CLI::App& app) {
  auto* const unload =
      app.add_subcommand("unload-password", "what it takes to move, stop or uninstall this agent");
  unload->require_subcommand(1);
  set_ = unload->add_subcommand("set", "set it, or another one");
  AddPresent(set_);
  auto* const by_file = set_->add_option(
      "--new-password-file", command_.fresh.file,
      "file with the new one (else COUNTERSIGN_NEW_UNLOAD_PASSWORD, else asked for)");
  set_->add_option("--new-password-fd", command_.fresh.fd, "open file descriptor with it")
      ->excludes(by_file);
  clear_ = unload->add_subcommand("clear", "take it away");
  AddPresent(clear_);
}

void AgentdUnload::AddPresent(CLI::App* command) {
  auto* const by_file = command->add_option(
      "--password-file", command_.present.file,
      "file with the present one (- for standard input; else COUNTERSIGN_UNLOAD_PASSWORD, else "
      "asked for)");
  command->add_option("--password-fd", command_.present.fd, "open file descriptor with it")
      ->excludes(by_file);
  command->add_option("--warrant", command_.warrant,
                      "file with the owner's warrant, instead (countersign owner warrant)");
}

Exit AgentdUnload::Run(const std::filesystem::path& folder, Form form) {
  command_.folder = folder;
  command_.clear = clear_->parsed();
  return SetUnloadHere(command_, form);
}

}  // namespace countersign::cli
