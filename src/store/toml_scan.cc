#include "store/toml_scan.h"

namespace countersign::store {
namespace {

// Scanner knows of TOML's grammar where strings and comments begin and end. On what is no TOML it
// may be wrong behind the first fault, where the parser never comes.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  std::optional<TextPlace> Run() {
    if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
    while (!rest_.empty()) {
      if (IsForbidden()) return place_;
      before_ = rest_.front();
      Step();
    }
    return std::nullopt;
  }

 private:
  enum class In { kNothing, kComment, kString, kLongString };

  [[nodiscard]] bool IsForbidden() const {
    const char c = rest_.front();
    if (static_cast<unsigned char>(c) >= 0x80) {
      return in_ == In::kNothing || in_ == In::kLongString;
    }
    const bool is_control = (c >= 0 && c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
    if (is_control) return true;
    const bool after_digit = before_ >= '0' && before_ <= '9';
    // A quote within a word opens no string: the parser reads on as if it were one of its letters.
    const bool after_letter = after_digit || before_ == '_' || (before_ >= 'a' && before_ <= 'z') ||
                              (before_ >= 'A' && before_ <= 'Z');
    const bool is_quote = c == '"' || c == '\'';
    return in_ == In::kNothing &&
           (c == ':' || (c == '-' && after_digit) || (is_quote && after_letter));
  }

  void Step() {
    const char c = rest_.front();
    if (in_ == In::kNothing) {
      Open(c);
    } else if (c == '\\' && quote_ == '"' && in_ != In::kComment) {
      Advance(1);
      if (!rest_.empty() && (rest_.front() == '"' || rest_.front() == '\\')) Advance(1);
    } else if (in_ == In::kLongString) {
      Close(c);
    } else {
      const bool ends = c == '\n' || (in_ == In::kString && c == quote_);
      Advance(1);
      if (ends) in_ = In::kNothing;
    }
  }

  void Open(char c) {
    if (c == '#') in_ = In::kComment;
    if (c == '"' || c == '\'') {
      quote_ = c;
      in_ = NumQuotes() >= 3 ? In::kLongString : In::kString;
    }
    Advance(in_ == In::kLongString ? 3 : 1);
  }

  // A string of several lines ends with three quotes, before which it may hold two more.
  void Close(char c) {
    const std::size_t num_quotes = c == quote_ ? NumQuotes() : 0;
    Advance(num_quotes == 0 ? 1 : num_quotes);
    if (num_quotes >= 3) in_ = In::kNothing;
  }

  // The run of quotes at the front, up to five.
  [[nodiscard]] std::size_t NumQuotes() const {
    std::size_t num = 0;
    while (num < 5 && num < rest_.size() && rest_[num] == quote_) ++num;
    return num;
  }

  void Advance(std::size_t num) {
    for (; num > 0; --num) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '\n') {
        ++place_.line;
        place_.column = 1;
      } else if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) {
        ++place_.column;
      }
    }
  }

  std::string_view rest_;
  TextPlace place_;
  In in_ = In::kNothing;
  char quote_ = 0;
  char before_ = 0;  // the character before the front
};

}  // namespace

std::optional<TextPlace> FindForbidden(std::string_view text) { return Scanner(text).Run(); }

}  // namespace countersign::store
