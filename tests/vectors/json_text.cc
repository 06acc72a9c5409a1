#include "tests/vectors/json_text.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/bytes.h"
#include "base/error.h"
#include "base/files.h"
#include "tests/support/must.h"

namespace countersign::vectors {
namespace {

namespace json = boost::json;

void Print(const json::value& value, std::size_t depth, std::string& out);

void NewLine(std::size_t depth, std::string& out) {
  out += '\n';
  out.append(depth, ' ');
}

void PrintObject(const json::object& object, std::size_t depth, std::string& out) {
  out += '{';
  for (const auto& [name, value] : object) {
    if (out.back() != '{') out += ',';
    NewLine(depth + 1, out);
    out += json::serialize(json::string(name));
    out += ": ";
    Print(value, depth + 1, out);
  }
  NewLine(depth, out);
  out += '}';
}

void PrintArray(const json::array& array, std::size_t depth, std::string& out) {
  out += '[';
  for (const auto& value : array) {
    if (out.back() != '[') out += ',';
    NewLine(depth + 1, out);
    Print(value, depth + 1, out);
  }
  NewLine(depth, out);
  out += ']';
}

void Print(const json::value& value, std::size_t depth, std::string& out) {
  if (value.is_object() && !value.get_object().empty()) {
    PrintObject(value.get_object(), depth, out);
  } else if (value.is_array() && !value.get_array().empty()) {
    PrintArray(value.get_array(), depth, out);
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

std::string Pretty(const json::value& value) {
  std::string out;
  Print(value, 0, out);
  return out + '\n';
}

json::value ReadJson(const std::filesystem::path& path) {
  constexpr std::size_t kMaxLen = 64 * 1024 * 1024;
  const Bytes file = testing::Must(ReadFile(path, kMaxLen));
  return json::parse(json::string_view(AsText(file)));
}

void WriteText(const std::filesystem::path& path, std::string_view text) {
  const auto written = WriteFileAtomically(path, AsBytes(text), FileMode::kPublic);
  Check(written.has_value(), written ? "" : written.error().message);
}

}  // namespace countersign::vectors
