#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

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

// PrintToError is PrintLine on standard error.
void PrintToError(std::string_view text);
// PrintRaw writes octets to standard output as they are: a file's content. kIo if not all of them
// could be written.
[[nodiscard]] Status PrintRaw(std::string_view octets);

// PrintCertificate shows a certificate (CertificateJson) as people compare it.
void PrintCertificate(const boost::json::object& certificate, std::string_view indent);
// PrintEveryField shows all that is known of it.
void PrintEveryField(const boost::json::object& certificate, std::string_view indent);

// Object and List return a member that is one; an empty one if absent. Valid as long as `value`.
[[nodiscard]] const boost::json::object& Object(const boost::json::object& value,
                                                std::string_view name);
[[nodiscard]] const boost::json::array& List(const boost::json::object& value,
                                             std::string_view name);
// ListText puts the members of a list of texts on one line, with a comma between them.
[[nodiscard]] std::string ListText(const boost::json::object& value, std::string_view name);
// PrintTexts prints the members of a list of texts, if there is one, on a line each.
void PrintTexts(const boost::json::object& value, std::string_view name, std::string_view label);
// Flag returns a member that is true or false; false if absent.
[[nodiscard]] bool Flag(const boost::json::object& value, std::string_view name);

// Text returns a member as text ("" if absent); numbers in decimal.
[[nodiscard]] std::string Text(const boost::json::object& value, std::string_view name);

// Number returns a member that is a number from 0; 0 if absent or another.
[[nodiscard]] std::uint64_t Number(const boost::json::object& value, std::string_view name);

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
