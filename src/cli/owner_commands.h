#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/output.h"
#include "cli/passwords.h"
#include "cli/session.h"

// The owner's part of a replacement, on another machine than the server's (docs/after-a-theft.md).
namespace countersign::cli {

struct OwnerRequestCommand {
  std::string file;  // to write the request to
  bool compromised = false;
  bool clock_is_right = false;
  bool replace = false;                           // overwrite an existing file
  std::string_view replace_option = "--replace";  // what asks for that, of a static lifetime
};
// AskOwner is `-c -offline FILE` and `owner request`: the server draws keys and says what it needs.
[[nodiscard]] Exit AskOwner(Session& session, const OwnerRequestCommand& command, Form form);

struct OwnerSignCommand {
  std::string request;
  std::string backup;  // a copy of OfficeScanAuth.dat
  std::string output;  // the answer
  PasswordSource password = AutomaticBackupPassword();
  bool clock_is_right = false;
  bool yes = false;      // signs without asking; without a terminal it has to be said
  bool replace = false;  // overwrite an existing file
};
// SignRequest shows what is asked, lets a person decide, and signs. Needs no server.
[[nodiscard]] Exit SignRequest(const OwnerSignCommand& command, Form form);

// InstallAnswer makes the certificates of the answer those in use.
[[nodiscard]] Exit InstallAnswer(Session& session, const std::string& file, Form form);

struct OwnerCreateCommand {
  PasswordSource password = AutomaticBackupPassword();
  // A file with a new password for the automatic backup; "" asks; nothing: the environment's, or
  // the present one stays.
  std::optional<std::string> new_password_file;
  bool clock_is_right = false;
  bool offline = false;  // refused: says what to do instead
};
// CreateOwner makes a new owner key, which the present one certifies, and says who has not heard.
[[nodiscard]] Exit CreateOwner(Session& session, const OwnerCreateCommand& command, Form form);

// ShowOwner shows the owner that agents follow, earlier ones, and the server ids.
[[nodiscard]] Exit ShowOwner(Session& session, Form form);

// PrintExposed names the agents that a stolen key may still command, where `answer` tells of them.
void PrintExposed(const boost::json::object& answer);

}  // namespace countersign::cli
