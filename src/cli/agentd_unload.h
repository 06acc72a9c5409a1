#pragma once

#include <CLI/App.hpp>
#include <filesystem>
#include <memory>

#include "cli/unload_commands.h"

namespace countersign::cli {

// AgentdUnload is `countersign-agentd unload-password set|clear`.
class AgentdUnload {
 public:
  // What is declared refers to this object.
  explicit AgentdUnload(CLI::App& app);
  [[nodiscard]] bool parsed() const { return set_->parsed() || clear_->parsed(); }
  // REQUIRES: parsed().
  [[nodiscard]] Exit Run(const std::filesystem::path& folder, Form form);

 private:
  void AddPresent(CLI::App* command);
  CLI::App* set_ = nullptr;
  CLI::App* clear_ = nullptr;
  LocalUnloadCommand command_;
};

}  // namespace countersign::cli
