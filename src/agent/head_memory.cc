#include "agent/head_memory.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace countersign::agent {
namespace {

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t end = 0; end != std::string_view::npos;) {
    end = text.find(' ');
    words.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return words;
}

template <class Number>
bool ReadNumber(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::optional<HeadMemory::Step> ReadStep(const std::vector<std::string_view>& words) {
  using Kind = HeadMemory::Step::Kind;
  HeadMemory::Step step;
  std::int64_t at = 0;
  if (words.at(2) != StepName(Kind::kRewind) && words.at(2) != StepName(Kind::kFork)) {
    return std::nullopt;
  }
  step.kind = words.at(2) == StepName(Kind::kFork) ? Kind::kFork : Kind::kRewind;
  const bool fine = ReadNumber(words.at(3), step.from) && ReadNumber(words.at(4), step.to) &&
                    ReadNumber(words.at(5), at) && ReadNumber(words.at(6), step.count);
  step.at = FromUnix(at);
  return fine ? std::optional(step) : std::nullopt;
}

}  // namespace

HeadMemory HeadMemory::Parse(std::string_view text) {
  const auto words = Words(text);
  if (words.size() != 2 && words.size() != 7) return {};
  const auto server = ServerId::ParseText(words[0]);
  const auto head = wire::ParseHistoryHead(words[1]);
  if (!server || !head) return {};
  HeadMemory memory{.server = *server, .head = *head};
  if (words.size() == 2) return memory;
  memory.step = ReadStep(words);
  return memory.step ? memory : HeadMemory();
}

std::string HeadMemory::Format() const {
  if (server.is_nil()) return {};
  std::string text = server.Text() + ' ' + wire::FormatHistoryHead(head);
  if (!step) return text;
  return text + ' ' + std::string(StepName(step->kind)) + ' ' + std::to_string(step->from) + ' ' +
         std::to_string(step->to) + ' ' + std::to_string(ToUnix(step->at)) + ' ' +
         std::to_string(step->count);
}

bool HeadMemory::Take(const ServerId& of, std::string_view shown, Instant now) {
  const auto next = wire::ParseHistoryHead(shown);
  if (!next) return false;
  if (server != of) {
    *this = {.server = of, .head = *next};
    return false;
  }
  const wire::HistoryHead before = std::exchange(head, *next);
  const bool is_fork = next->number == before.number && next->digest != before.digest;
  if (next->number >= before.number && !is_fork) return false;
  step = Step{.kind = is_fork ? Step::Kind::kFork : Step::Kind::kRewind,
              .from = before.number,
              .to = next->number,
              .at = now,
              .count = (step ? step->count : 0) + 1};
  return true;
}

std::string_view StepName(HeadMemory::Step::Kind kind) {
  return kind == HeadMemory::Step::Kind::kFork ? "fork" : "rewind";
}

std::string StepText(const HeadMemory::Step& step) {
  if (step.kind == HeadMemory::Step::Kind::kFork) {
    return "the server's history has another line " + std::to_string(step.from) +
           " than before: it was restored from a backup, or somebody has rewritten it";
  }
  return "the server's history was set back from line " + std::to_string(step.from) + " to line " +
         std::to_string(step.to) + ": it was restored from a backup, or somebody has removed lines";
}

}  // namespace countersign::agent
