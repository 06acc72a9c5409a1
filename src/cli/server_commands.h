#pragma once

#include <filesystem>
#include <string>

#include "cli/output.h"
#include "store/config.h"

namespace countersign::cli {

struct InitCommand {
  std::filesystem::path folder;
  store::ServerConfig config;
  std::string import_file;           // empty: a new identity
  std::string password_file;         // of the automatic backup
  std::string import_password_file;  // of the imported file
  bool generate_password = false;    // draw one and print it once
};
// InitServer is `countersign server init`.
[[nodiscard]] Exit InitServer(const InitCommand& command, Form form);

}  // namespace countersign::cli
