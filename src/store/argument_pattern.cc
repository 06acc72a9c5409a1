#include "store/argument_pattern.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/encoding.h"

namespace countersign::store {
namespace {

constexpr std::size_t kMaxRepeat = 256;
constexpr unsigned char kFirstPrintable = 0x20;
constexpr unsigned char kLastPrintable = 0x7e;

// Programs take paths apart from what stands before or between them, too: --dir=../x, host:../x.
bool HasParentSegment(std::string_view path) {
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find_first_of("/=:,", begin), path.size());
    if (path.substr(begin, end - begin) == "..") return true;
    begin = end + 1;
  }
  return false;
}

}  // namespace

class ArgumentPattern::Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  [[nodiscard]] Result<std::vector<Element>> Run() {
    while (!rest_.empty() && why_.empty()) Next();
    if (!why_.empty()) return Fail(Code::kMalformed, std::string(why_));
    return std::move(elements_);
  }

 private:
  void Next() {
    const char c = Take();
    switch (c) {
      case '*':
        return TakeStar();
      case '?':
        return Add(Any(false), true);
      case '[':
        return TakeClass();
      case ']':
      case '{':
      case '}':
        return Refuse("a bracket that belongs to nothing; \\ before it makes it itself");
      case '\\':
        if (rest_.empty()) return Refuse("a \\ with nothing behind it");
        return Add(Only(Take()), false);
      default:
        return Add(Only(c), false);
    }
  }

  void TakeStar() {
    const bool deep = rest_.starts_with('*');
    if (deep) Take();
    elements_.push_back({Any(deep), 0, kMaxArgumentLen, true});
  }

  void TakeClass() {
    Set set;
    for (bool first = true;; first = false) {
      if (rest_.empty()) return Refuse("a [ without its ]");
      char from = Take();
      if (from == ']') {
        if (first) return Refuse("an empty [ ]");
        break;
      }
      if (from == '^' && first) return Refuse("[^ ]: what is allowed has to be named");
      if (!TakeMember(from)) return;
      char to = from;
      if (rest_.size() > 1 && rest_[0] == '-' && rest_[1] != ']') {
        Take();
        to = Take();
        if (!TakeMember(to)) return;
      }
      if (to < from) return Refuse("a range in [ ] that runs backward");
      for (int octet = from; octet <= to; ++octet) set.set(static_cast<std::size_t>(octet));
    }
    Add(set, true);
  }

  // One character of a class: printable ASCII, quoted by a backslash or not.
  bool TakeMember(char& c) {
    if (c == '\\' && !rest_.empty()) c = Take();
    const auto octet = static_cast<unsigned char>(c);
    if (octet >= kFirstPrintable && octet <= kLastPrintable) return true;
    Refuse("[ ] takes ASCII characters only");
    return false;
  }

  void Add(const Set& set, bool wildcard) {
    Element element{set, 1, 1, wildcard};
    if (wildcard && rest_.starts_with('{') && !TakeRepeat(element)) {
      return Refuse("{n} or {n,m} with n ≤ m ≤ 256 is expected");
    }
    elements_.push_back(element);
  }

  bool TakeRepeat(Element& element) {
    Take();
    const auto min = TakeNumber();
    auto max = min;
    if (rest_.starts_with(',')) {
      Take();
      max = TakeNumber();
    }
    if (!min || !max || *min > *max || *max == 0 || !rest_.starts_with('}')) return false;
    Take();
    element.min = *min;
    element.max = *max;
    return true;
  }

  std::optional<std::size_t> TakeNumber() {
    if (rest_.empty() || rest_[0] < '0' || rest_[0] > '9') return std::nullopt;
    std::size_t number = 0;
    while (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9') {
      number = number * 10 + static_cast<std::size_t>(Take() - '0');
      if (number > kMaxRepeat) return std::nullopt;
    }
    return number;
  }

  char Take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  void Refuse(std::string_view why) {
    if (why_.empty()) why_ = why;
  }

  static Set Only(char c) { return Set().set(static_cast<unsigned char>(c)); }
  static Set Any(bool slash) {
    Set set;
    for (std::size_t octet = kFirstPrintable; octet <= kLastPrintable; ++octet) set.set(octet);
    return set.set('/', slash);
  }

  std::string_view rest_;
  std::string_view why_;
  std::vector<Element> elements_;
};

Result<ArgumentPattern> ArgumentPattern::Parse(std::string_view text) {
  if (text.size() > kMaxLen || !IsPrintableUtf8(text)) {
    return Fail(Code::kMalformed, "at most 256 octets without control characters are expected");
  }
  auto elements = Parser(text).Run();
  if (!elements) return std::unexpected(std::move(elements).error());
  ArgumentPattern pattern;
  pattern.text_ = text;
  pattern.elements_ = *std::move(elements);
  return pattern;
}

// The set of places that the elements so far can reach, moved on by one element at a time.
bool ArgumentPattern::Matches(std::string_view argument) const {
  if (argument.size() > kMaxArgumentLen || !IsPrintableUtf8(argument)) return false;
  const bool has_wildcard = std::ranges::any_of(elements_, &Element::wildcard);
  if (has_wildcard && HasParentSegment(argument)) return false;
  const std::size_t len = argument.size();
  std::vector<std::size_t> reached_before(len + 2);  // how many places before this one are reached
  std::vector<bool> reached(len + 1);
  reached[0] = true;
  bool at_begin = true;  // nothing but wildcards so far: no '-' may be their first octet
  for (const Element& element : elements_) {
    for (std::size_t i = 0; i <= len; ++i) {
      reached_before[i + 1] = reached_before[i] + (reached[i] ? 1 : 0);
    }
    at_begin = at_begin && element.wildcard;
    std::size_t run = 0;  // how many octets before this place are in the element's set
    for (std::size_t i = 0; i <= len; ++i) {
      if (i > 0) {
        const bool in_set = element.set.test(static_cast<unsigned char>(argument[i - 1])) &&
                            !(at_begin && i == 1 && argument[0] == '-');
        run = in_set ? run + 1 : 0;
      }
      const std::size_t most = std::min(run, element.max);
      reached[i] =
          most >= element.min && reached_before[i - element.min + 1] > reached_before[i - most];
    }
  }
  return reached[len];
}

}  // namespace countersign::store
