#include "cli/switches.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/process.h"

namespace countersign::cli {
namespace {

// U+2010, U+2011, U+2013, U+2014, U+2212, U+FF0D as published procedures have them.
constexpr std::array<std::string_view, 7> kDashes = {
    "-",           "\xe2\x80\x90", "\xe2\x80\x91", "\xe2\x80\x93", "\xe2\x80\x94", "\xe2\x88\x92",
    "\xef\xbc\x8d"};

constexpr std::string_view kSeeHelp = "-help shows the switches";

char Lowered(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// What follows the dash, or "".
std::string_view WithoutDash(std::string_view arg) {
  const auto dash =
      std::ranges::find_if(kDashes, [&](std::string_view d) { return arg.starts_with(d); });
  if (dash == kDashes.end()) return {};
  arg.remove_prefix(dash->size());
  if (arg.starts_with('-')) arg.remove_prefix(1);  // --json
  return arg;
}

bool TakesSecret(const SwitchSpec& spec) {
  return std::ranges::find(spec.values, ValueKind::kSecret) != spec.values.end();
}

std::unexpected<Error> NoSwitch(const Words& args, std::size_t at,
                                const std::vector<SwitchSpec>& specs) {
  const bool with_secret = std::ranges::any_of(args, [&](const auto& arg) {
    const auto* const spec = FindSwitch(arg.text(), specs);
    return spec != nullptr && TakesSecret(*spec);
  });
  // A password in the wrong place may begin with a dash, too.
  if (!with_secret && !WithoutDash(args[at].text()).empty()) {
    return Fail(Code::kUsage, "there is no switch -" + SwitchName(args[at].text()),
                std::string(kSeeHelp));
  }
  const bool torn = args[at].text().ends_with("\xe2\x80\x9d");
  return Fail(Code::kUsage,
              "argument " + std::to_string(at + 1) +
                  " is not a switch, and no switch before it takes so many values",
              torn
                  ? "put \" around a value with spaces; typographic quotation marks do not hold it "
                    "together"
                  : std::string(kSeeHelp));
}

// How many values follow the switch at `at`, up to those that it takes. What looks like a switch
// may be a password, but neither a path nor a text.
std::size_t NumValues(const Words& args, std::size_t at, const SwitchSpec& spec,
                      const std::vector<SwitchSpec>& specs) {
  std::size_t count = 0;
  while (count < spec.values.size() && at + 1 + count < args.size()) {
    const bool is_switch = FindSwitch(args[at + 1 + count].text(), specs) != nullptr;
    if (is_switch && spec.values[count] != ValueKind::kSecret) break;
    ++count;
  }
  return count;
}

std::unexpected<Error> TooFew(const SwitchSpec& spec, std::size_t follow, const Words& args,
                              std::size_t at) {
  const std::size_t wanted = spec.values.size();
  bool wide = false;
  for (std::size_t i = 0; i < follow; ++i) {
    wide = wide || args[at + 1 + i].text().find("\xe3\x80\x80") != std::string_view::npos;
  }
  return Fail(Code::kUsage,
              "-" + std::string(spec.name) + " takes " + std::to_string(wanted) +
                  (wanted == 1 ? " value; " : " values; ") + std::to_string(follow) +
                  (follow == 1 ? " follows" : " follow"),
              wide
                  ? "type a space for each full-width space (U+3000): between values it belongs to "
                    "the value"
                  : std::string(kSeeHelp));
}

}  // namespace

std::string SwitchName(std::string_view arg) {
  std::string name(WithoutDash(arg));
  std::ranges::transform(name, name.begin(), Lowered);
  return name;
}

bool IsSwitch(std::string_view arg, std::string_view name) {
  const auto bare = WithoutDash(arg);
  return !bare.empty() && std::ranges::equal(bare, name, {}, Lowered);
}

const SwitchSpec* FindSwitch(std::string_view arg, const std::vector<SwitchSpec>& specs) {
  const auto spec = std::ranges::find_if(
      specs, [&](const auto& candidate) { return IsSwitch(arg, candidate.name); });
  return spec == specs.end() ? nullptr : &*spec;
}

Result<Words> TakeArguments(int argc, char** argv, const std::vector<SwitchSpec>& specs) {
  Words words;
  SwitchWalk walk(specs);
  bool expect_secret = false;
  for (int i = 1; i < argc; ++i) {
    if (i <= kMaxArguments) words.push_back(SecretBytes::OwnText(argv[i]));
    const auto* const spec = expect_secret ? FindSwitch(argv[i], specs) : walk.Take(argv[i]);
    // What follows -c is a password, also if it looks like a switch.
    if (spec == nullptr || expect_secret) WipeArgument(argv[i]);
    expect_secret = !expect_secret && spec != nullptr && !spec->values.empty() &&
                    spec->values.front() == ValueKind::kSecret;
  }
  if (argc - 1 > kMaxArguments) {
    return Fail(Code::kUsage,
                "more than " + std::to_string(kMaxArguments) + " arguments; nothing was done",
                std::string(kSeeHelp));
  }
  return words;
}

const SwitchSpec* SwitchWalk::Take(std::string_view arg) {
  const auto* spec = FindSwitch(arg, specs_);
  if (spec == nullptr) return nullptr;
  if (!spec->again.empty() && std::ranges::find(seen_, spec) != seen_.end()) {
    const auto meant = std::ranges::find(specs_, spec->again, &SwitchSpec::name);
    Check(meant != specs_.end(), "a switch that another one becomes");
    return &*meant;
  }
  seen_.push_back(spec);
  return spec;
}

Result<Switches> Switches::Parse(Words args, const std::vector<SwitchSpec>& specs) {
  Switches switches;
  SwitchWalk walk(specs);
  for (std::size_t i = 0; i < args.size(); ++i) {
    const auto* const spec = walk.Take(args[i].text());
    if (spec == nullptr) return NoSwitch(args, i, specs);
    const std::string name(spec->name);
    if (switches.Has(name)) return Fail(Code::kUsage, "-" + name + " is given twice");
    const std::size_t wanted = spec->values.size();
    const std::size_t follow = NumValues(args, i, *spec, specs);
    if (follow < wanted) return TooFew(*spec, follow, args, i);
    auto& values = switches.values_[name];
    for (std::size_t v = 0; v < wanted; ++v) values.push_back(args[i + 1 + v].Clone());
    i += wanted;
  }
  return switches;
}

std::string Switches::Value(std::string_view name, std::size_t index) const {
  const auto* const value = Secret(name, index);
  return value == nullptr ? std::string() : std::string(value->text());
}

const SecretBytes* Switches::Secret(std::string_view name, std::size_t index) const {
  const auto at = values_.find(name);
  return at == values_.end() || index >= at->second.size() ? nullptr : &at->second[index];
}

void Switches::Replace(std::string_view name, std::size_t index, std::string_view text) {
  const auto at = values_.find(name);
  Check(at != values_.end() && index < at->second.size(), "Switches::Replace of no value");
  at->second[index] = SecretBytes::OwnText(text);
}

}  // namespace countersign::cli
