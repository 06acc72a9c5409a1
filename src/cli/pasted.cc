#include "cli/pasted.h"

#include <algorithm>
#include <array>
#include <deque>
#include <filesystem>
#include <utility>

namespace countersign::cli {
namespace {

constexpr std::string_view kWideSpace = "\xe3\x80\x80";  // U+3000
constexpr std::string_view kTriangle = "\xe2\x96\xb2";   // U+25B2

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// Views into `text`.
std::vector<std::string_view> Split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> pieces;
  for (;;) {
    const auto at = text.find(separator);
    pieces.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return pieces;
    text.remove_prefix(at + separator.size());
  }
}

// Splitter walks over the arguments and knows which value of which switch comes next.
class Splitter {
 public:
  Splitter(Words args, const std::vector<SwitchSpec>& specs)
      : specs_(specs),
        walk_(specs),
        pending_(std::make_move_iterator(args.begin()), std::make_move_iterator(args.end())) {}

  Result<Words> Run() {
    while (!pending_.empty()) {
      const SecretBytes word = std::move(pending_.front());
      pending_.pop_front();
      ++number_;
      COUNTERSIGN_RETURN_IF_ERROR(left_.empty() ? TakeSwitch(word) : TakeValue(word));
    }
    return std::move(done_);
  }

 private:
  [[nodiscard]] const SwitchSpec* Find(std::string_view word) const {
    return FindSwitch(word, specs_);
  }

  // How many arguments follow before the next switch.
  [[nodiscard]] std::size_t NumFollowing() const {
    const auto next = std::ranges::find_if(
        pending_, [&](const auto& word) { return Find(word.text()) != nullptr; });
    return static_cast<std::size_t>(next - pending_.begin());
  }

  void Put(std::string_view text) {
    if (!left_.empty()) {
      left_.erase(left_.begin());
    } else if (const auto* const spec = walk_.Take(text); spec != nullptr) {
      left_ = spec->values;
    }
    done_.push_back(SecretBytes::OwnText(text));
  }

  // PutBack gives the rest of an argument another turn.
  void PutBack(std::string_view rest) {
    if (rest.empty()) return;
    pending_.push_front(SecretBytes::OwnText(rest));
    --number_;
  }

  [[nodiscard]] std::unexpected<Error> RefuseTriangle() const {
    return Fail(Code::kUsage,
                "argument " + std::to_string(number_) +
                    " holds ▲, with which printed procedures show a space, and its parts are not "
                    "what the switch takes; nothing was done",
                "type a space for each ▲, and \" around a value that holds spaces itself");
  }

  // All pieces together must be switches with all their values.
  Status TakeSwitchWithTriangles(std::string_view text) {
    const auto pieces = Split(text, kTriangle);
    std::size_t values = 0;
    for (const auto piece : pieces) {
      const auto* const spec = values == 0 ? Find(piece) : nullptr;
      if (piece.empty() || (values == 0 && spec == nullptr)) return RefuseTriangle();
      values = spec == nullptr ? values - 1 : spec->values.size();
    }
    if (values != 0) return RefuseTriangle();
    for (const auto piece : pieces) Put(piece);
    return {};
  }

  Status TakeSwitch(const SecretBytes& word) {
    std::string_view text = word.text();
    if (text.starts_with(kWideSpace)) {
      const auto behind = text.substr(kWideSpace.size());
      if (Find(behind.substr(0, behind.find(kWideSpace))) != nullptr) text = behind;
    }
    if (Contains(text, kTriangle)) return TakeSwitchWithTriangles(text);
    const auto space = text.find(kWideSpace);
    if (space != std::string_view::npos && Find(text.substr(0, space)) != nullptr) {
      PutBack(text.substr(space + kWideSpace.size()));
      text = text.substr(0, space);
    }
    Put(text);
    return {};
  }

  Status TakeValue(const SecretBytes& word) {
    const std::string_view text = word.text();
    const bool is_secret = left_.front() == ValueKind::kSecret;
    const std::size_t wanted = left_.size();
    if (Contains(text, kTriangle) && (!is_secret || NumFollowing() + 1 < wanted)) {
      const auto pieces = Split(text, kTriangle);
      const bool complete = pieces.size() == wanted &&
                            std::ranges::none_of(pieces, [](auto piece) { return piece.empty(); });
      if (!complete) return RefuseTriangle();
      for (const auto piece : pieces) Put(piece);
      return {};
    }
    if (is_secret) {
      Put(text);
      return {};
    }
    return TakePlainValue(text);
  }

  // U+3000 directly before a switch ends the value; any other belongs to it.
  Status TakePlainValue(std::string_view text) {
    for (auto at = text.find(kWideSpace); at != std::string_view::npos;
         at = text.find(kWideSpace, at + 1)) {
      const auto rest = text.substr(at + kWideSpace.size());
      if (Find(rest.substr(0, rest.find(kWideSpace))) == nullptr) continue;
      PutBack(rest);
      Put(text.substr(0, at));
      return {};
    }
    Put(text);
    return {};
  }

  const std::vector<SwitchSpec>& specs_;
  SwitchWalk walk_;
  std::deque<SecretBytes> pending_;
  Words done_;
  std::vector<ValueKind> left_;  // values that the last switch still waits for
  std::size_t number_ = 0;       // of the argument being looked at
};

// “ ” „ “ „ ” ” ” and the full-width ＂ ＂.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kQuotes = {
    {{"\xe2\x80\x9c", "\xe2\x80\x9d"},
     {"\xe2\x80\x9e", "\xe2\x80\x9c"},
     {"\xe2\x80\x9e", "\xe2\x80\x9d"},
     {"\xe2\x80\x9d", "\xe2\x80\x9d"},
     {"\xef\xbc\x82", "\xef\xbc\x82"}}};

std::string_view WithoutQuotes(std::string_view path) {
  for (const auto& [open, close] : kQuotes) {
    if (path.size() > open.size() + close.size() && path.starts_with(open) &&
        path.ends_with(close)) {
      return path.substr(open.size(), path.size() - open.size() - close.size());
    }
  }
  return path;
}

bool HasDrive(std::string_view path) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return path.size() >= 3 && is_letter(path[0]) && path[1] == ':' && path[2] == '\\';
}

}  // namespace

Result<Words> SplitPasted(Words args, const std::vector<SwitchSpec>& specs) {
  return Splitter(std::move(args), specs).Run();
}

Result<std::string> PastedPath(std::string_view what, std::string_view path,
                               const std::function<bool(const std::string&)>& exists) {
  const std::string_view bare = WithoutQuotes(path);
  const std::string_view meant =
      bare.size() == path.size() || exists(std::string(path)) ? path : bare;
  const bool yen = Contains(meant, "\xc2\xa5") || Contains(meant, "\xef\xbf\xa5");
  if (yen || HasDrive(meant)) {
    return Fail(Code::kUsage,
                std::string(what) +
                    (yen ? " holds ¥, which separates folders only on Windows"
                         : " begins with a drive letter, as on Windows") +
                    "; nothing was done and no file was made",
                "the same with a path of this machine, like /var/backups/file.pfx");
  }
  return std::string(meant);
}

Result<Switches> ParsePasted(Words args, const std::vector<SwitchSpec>& specs) {
  auto words = SplitPasted(std::move(args), specs);
  if (!words) return std::unexpected(std::move(words).error());
  auto switches = Switches::Parse(*std::move(words), specs);
  if (!switches) return switches;
  for (const auto& spec : specs) {
    if (!switches->Has(spec.name)) continue;
    for (std::size_t i = 0; i < spec.values.size(); ++i) {
      if (spec.values[i] != ValueKind::kPath) continue;
      const auto path = PastedPath("the path after -" + std::string(spec.name),
                                   switches->Value(spec.name, i), [](const std::string& name) {
                                     std::error_code failed;
                                     return std::filesystem::exists(name, failed);
                                   });
      if (!path) return std::unexpected(path.error());
      switches->Replace(spec.name, i, *path);
    }
  }
  return switches;
}

}  // namespace countersign::cli
