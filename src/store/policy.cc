#include "store/policy.h"

#include <utility>

#include "base/files.h"
#include "base/trusted_path.h"
#include "store/toml_reader.h"

namespace countersign::store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxActs = 64;
constexpr std::size_t kMaxActLen = 32;
constexpr std::size_t kMaxAlternatives = 32;

bool IsActName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxActLen &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}
bool IsProgramName(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
             std::string_view::npos;
}
bool IsAbsolute(std::string_view text) { return text.starts_with('/') && IsLine(text); }

Seconds TimeLimit(TableReader& reader, std::string_view key) {
  return Seconds(reader.Integer<std::int64_t>(key, 60, 1, Policy::kMaxTime.count()));
}

// One argument: a pattern, or an array of patterns.
Result<std::vector<ArgumentPattern>> ReadArgument(const toml::node& node) {
  std::vector<std::string> texts;
  if (const auto* const text = node.as_string()) {
    texts.push_back(text->get());
  } else if (const auto* const array = node.as_array();
             array != nullptr && !array->empty() && array->size() <= kMaxAlternatives) {
    for (const auto& one : *array) {
      if (one.as_string() == nullptr) return Fail(Code::kMalformed, "a pattern is text");
      texts.push_back(one.as_string()->get());
    }
  } else {
    return Fail(Code::kMalformed, "a pattern, or an array of 1 to 32 patterns is expected");
  }
  std::vector<ArgumentPattern> patterns;
  for (const std::string& text : texts) {
    auto pattern = ArgumentPattern::Parse(text);
    if (!pattern) return std::unexpected(std::move(pattern).error());
    patterns.push_back(*std::move(pattern));
  }
  return patterns;
}

Result<Program> ReadProgram(const toml::table& table, const std::string& name) {
  constexpr std::string_view kPath = "an absolute path";
  const std::string prefix = "programs." + name + ".";
  TableReader reader(table, prefix);
  reader.Require("path", kPath);
  Program program;
  program.path = reader.Text("path", "", IsAbsolute, kPath);
  program.folder = reader.Text("folder", "/", IsAbsolute, kPath);
  program.time_limit = TimeLimit(reader, "time_limit");
  const auto* const arguments =
      reader.Array("args", Policy::kMaxArguments, "an array of at most 32 patterns");
  for (std::size_t i = 0; arguments != nullptr && i < arguments->size(); ++i) {
    auto argument = ReadArgument(*arguments->get(i));
    if (argument) {
      program.arguments.push_back(*std::move(argument));
    } else {
      reader.Refuse(
          "args", arguments->get(i)->source().begin,
          "patterns; number " + std::to_string(i + 1) + " is none: " + argument.error().message);
    }
  }
  COUNTERSIGN_RETURN_IF_ERROR(reader.Finish());
  return program;
}

Status ReadPrograms(TableReader& reader, Policy& policy) {
  const toml::table* const programs = reader.Table("programs");
  if (programs == nullptr) return {};
  if (programs->size() > Policy::kMaxPrograms) {
    reader.Refuse("programs", programs->source().begin, "at most 256 programs");
    return {};
  }
  for (const auto& [key, node] : *programs) {
    if (!IsProgramName(key.str()) || node.as_table() == nullptr) {
      reader.Refuse("programs", key.source().begin,
                    "a table for each program, named by 1 to 64 letters, digits, - and _");
      continue;
    }
    auto program = ReadProgram(*node.as_table(), std::string(key.str()));
    if (!program) return std::unexpected(std::move(program).error());
    policy.programs.emplace(key.str(), *std::move(program));
  }
  return {};
}

Result<Policy> ReadPolicy(const toml::table& table) {
  constexpr std::string_view kActs = "an array of at most 64 acts, such as [\"update-now\"]";
  TableReader reader(table, "");
  Policy policy;
  const bool lists_acts = table.get("allow") != nullptr;
  const auto acts = reader.Words("allow", kMaxActs, kActs);
  if (lists_acts) policy.allowed.clear();
  for (const std::string& act : acts) {
    if (!IsActName(act)) reader.Refuse("allow", table.get("allow")->source().begin, kActs);
    policy.allowed.insert(act);
  }
  policy.at_once = reader.Integer<std::uint32_t>("at_once", policy.at_once, 1, Policy::kMaxAtOnce);
  policy.hook_time_limit = TimeLimit(reader, "hook_time_limit");
  COUNTERSIGN_RETURN_IF_ERROR(ReadPrograms(reader, policy));
  COUNTERSIGN_RETURN_IF_ERROR(reader.Finish());
  return policy;
}

// A hook is an executable file that is named after its act; what else lies there is no hook.
Result<std::map<std::string, fs::path, std::less<>>> FindHooks(const fs::path& folder) {
  std::map<std::string, fs::path, std::less<>> hooks;
  const auto trusted = CheckTrustedPath(folder);
  if (!trusted && trusted.error().code == Code::kNotFound) return hooks;
  if (!trusted) return std::unexpected(trusted.error());
  std::error_code failed;
  for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    const std::string name = at->path().filename();
    const auto status = at->status(failed);
    if (failed || !IsActName(name) || !fs::is_regular_file(status) ||
        (status.permissions() & fs::perms::owner_exec) == fs::perms::none) {
      failed.clear();
      continue;
    }
    COUNTERSIGN_RETURN_IF_ERROR(CheckTrustedPath(at->path()));
    if (hooks.size() == Policy::kMaxHooks) {
      return Fail(Code::kExhausted, folder.string() + " has more than 64 hooks");
    }
    hooks.emplace(name, at->path());
  }
  if (failed) return Fail(Code::kIo, folder.string() + ": " + failed.message());
  return hooks;
}

}  // namespace

Policy Policy::Nothing() {
  Policy policy;
  policy.allowed.clear();
  return policy;
}

Result<Policy> ParsePolicy(std::string_view text) { return ReadToml(text, ReadPolicy); }

Result<Policy> LoadPolicy(const fs::path& folder) {
  const fs::path path = folder / "policy.toml";
  Policy policy;
  const auto trusted = CheckTrustedPath(path);
  if (trusted) {
    const auto text = ReadFile(path, kMaxTomlLen);
    if (!text) return std::unexpected(text.error());
    auto parsed = ParsePolicy(AsText(*text));
    if (!parsed) return WithContext(path.string(), std::move(parsed).error());
    policy = *std::move(parsed);
  } else if (trusted.error().code != Code::kNotFound) {
    return std::unexpected(trusted.error());
  }
  auto hooks = FindHooks(folder / "hooks");
  if (!hooks) return std::unexpected(std::move(hooks).error());
  policy.hooks = *std::move(hooks);
  return policy;
}

}  // namespace countersign::store
