#include "agent/program_order.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "base/encoding.h"
#include "wire/messages.h"

namespace countersign::agent {
namespace {

namespace json = boost::json;
using trust::Verdict;

ActEnded NotAllowed(std::string_view why) {
  ActEnded ended = ActFailed(why);
  ended.verdict = Verdict::kNotAllowed;
  return ended;
}

bool Allowed(const std::vector<store::ArgumentPattern>& patterns, std::string_view argument) {
  return std::ranges::any_of(patterns, [&](const auto& one) { return one.Matches(argument); });
}

// Utf8Of replaces every octet that is not part of well-formed UTF-8 by U+FFFD.
std::string Utf8Of(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto octet = static_cast<unsigned char>(text[i]);
    const std::size_t len = octet < 0x80 ? 1 : octet < 0xe0 ? 2 : octet < 0xf0 ? 3 : 4;
    const auto piece = text.substr(i, len);
    if (octet < 0x80 || (piece.size() == len && IsPrintableUtf8(piece))) {
      out += piece;
      i += len;
    } else {
      out += "\xef\xbf\xbd";
      ++i;
    }
  }
  return out;
}

// DropFirst takes at least `count` octets away, and no part of a character.
void DropFirst(std::string& text, std::size_t count) {
  count = std::min(count, text.size());
  while (count < text.size() && (static_cast<unsigned char>(text[count]) & 0xc0) == 0x80) ++count;
  text.erase(0, count);
}

}  // namespace

ActOutcome RunNamedProgram(const store::Policy& policy, const json::object& args) {
  const auto* const name = args.if_contains("program");
  const auto* const list = args.if_contains("args");
  const bool has_list = list != nullptr && list->is_array();
  if (name == nullptr || !name->is_string() || (list != nullptr && !has_list) ||
      args.size() != (has_list ? 2U : 1U)) {
    return ActFailed(R"(expected {"program":"NAME","args":["…"]})");
  }
  const auto at = policy.programs.find(std::string_view(name->get_string()));
  if (at == policy.programs.end()) return NotAllowed("the local policy names no such program");
  const store::Program& program = at->second;
  const std::size_t count = has_list ? list->get_array().size() : 0;
  if (count != program.arguments.size()) {
    return NotAllowed("the local policy allows " + std::to_string(program.arguments.size()) +
                      " arguments for it, and the order has " + std::to_string(count));
  }
  RunProgram run{.program = program.path,
                 .arguments = {},
                 .input = {},
                 .folder = program.folder,
                 .time_limit = program.time_limit};
  for (std::size_t i = 0; i < count; ++i) {
    const auto* const argument = list->get_array()[i].if_string();
    if (argument == nullptr) return ActFailed("arguments are strings");
    if (!Allowed(program.arguments[i], *argument)) {
      return NotAllowed("argument " + std::to_string(i + 1) + " matches no pattern of the policy");
    }
    run.arguments.emplace_back(*argument);
  }
  return Deed(std::move(run));
}

ActOutcome HookProgram(const store::Policy& policy, const ActOrder& order, const AgentId& agent) {
  const json::object input{{"format", "countersign hook 1"},
                           {"act", order.act},
                           {"args", order.args},
                           {"order", order.jti.Text()},
                           {"agent", agent.Text()},
                           {"server", order.trust.server.Text()},
                           {"generation", order.trust.generation}};
  const auto& hook = policy.hooks.at(order.act);
  return Deed(RunProgram{.program = hook,
                         .arguments = {},
                         .input = json::serialize(input) + "\n",
                         .folder = "/",
                         .time_limit = policy.hook_time_limit});
}

ActEnded ProgramResult(const ProgramEnd& end) {
  json::object result;
  if (end.exit >= 0) {
    result["exit"] = end.exit;
  } else {
    result["signal"] = end.signal;
  }
  if (end.timed_out) result["timed_out"] = true;
  std::string output = end.output;
  // What is kept may begin within a character.
  if (end.output_len > output.size()) DropFirst(output, 0);
  std::string shown = Utf8Of(output);
  std::uint64_t cut = end.output_len - output.size();
  for (;;) {
    if (cut > 0) result["cut"] = cut;
    if (!shown.empty()) result["output"] = shown;
    std::string text = json::serialize(result);
    if (text.size() <= wire::kMaxResultLen) {
      const bool good = end.exit == 0 && !end.timed_out;
      return {good ? Verdict::kDone : Verdict::kFailed, std::move(text)};
    }
    // Escapes make it longer than the output: taken away until it fits, a few rounds at most.
    const std::size_t before = shown.size();
    DropFirst(shown, std::max<std::size_t>((text.size() - wire::kMaxResultLen) / 6, 24));
    cut += before - shown.size();
    result.erase("output");
  }
}

}  // namespace countersign::agent
