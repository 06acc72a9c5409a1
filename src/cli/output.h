#pragma once

#include <boost/json/object.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/log.h"
#include "cli/exit_codes.h"

namespace countersign::cli {

// Form of what a command prints: text for people, or one JSON object on standard output (errors
// too).
enum class Form { kText, kJson };

// PrintError says what went wrong and what to run next, and returns the exit code.
[[nodiscard]] Exit PrintError(const Error& error, Form form);
void PrintJson(const boost::json::object& value);
// Print writes text that may hold untrusted parts: control characters but line ends are escaped.
void Print(std::string_view text);
void PrintLine(std::string_view text);

// PrintCertificate shows a certificate (CertificateJson) as people compare it.
void PrintCertificate(const boost::json::object& certificate, std::string_view indent);

// Text returns a member as text ("" if absent); numbers in decimal.
[[nodiscard]] std::string Text(const boost::json::object& value, std::string_view name);

// Table lines up columns for a terminal.
class Table {
 public:
  explicit Table(std::vector<std::string> header) { rows_.push_back(std::move(header)); }
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void Print() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// MakeQuietLog writes warnings and errors to standard error, for commands on a stopped server.
[[nodiscard]] std::unique_ptr<Log> MakeQuietLog();

}  // namespace countersign::cli
