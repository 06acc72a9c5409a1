#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::cli {

enum class Bom { kNo, kYes };

// CsvField quotes one field as RFC 4180 has it. A field that a spreadsheet would take for a formula
// (it begins with = + - @, also full-width, tab or a line end) gets an apostrophe in front.
[[nodiscard]] std::string CsvField(std::string_view text);

// MismatchedCsvHeader and MismatchedCsvRow are the columns of `CertificateManager -l`, with CRLF.
[[nodiscard]] std::string MismatchedCsvHeader(Bom bom);
[[nodiscard]] std::string MismatchedCsvRow(const boost::json::object& agent);

}  // namespace countersign::cli
