#pragma once

#include <filesystem>
#include <string>

#include "cli/output.h"
#include "cli/passwords.h"
#include "store/config.h"

namespace countersign::cli {

struct InitCommand {
  std::filesystem::path folder;
  store::ServerConfig config;  // with follower_of, for --follower
  std::string import_file;     // empty: a new identity
  std::string import_key;      // which of several keys in it
  std::string owner_file;      // another server's automatic backup; or empty
  std::string password_file;   // of the automatic backup
  std::string password_fd;
  std::string import_password_file;
  std::string import_password_fd;
  std::string owner_password_file;
  bool generate_password = false;  // draw one and print it once
  bool has_options = false;        // any: then nothing is asked but passwords that are missing
};
// InitServer is `countersign server init`. On a terminal, without options and without a password in
// the environment, it asks (init_dialogue.h).
[[nodiscard]] Exit InitServer(const InitCommand& command, Form form);

}  // namespace countersign::cli
