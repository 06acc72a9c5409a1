#include <charconv>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "server/history.h"
#include "server/history_internal.h"
#include "server/identity_book.h"

// Whether the history is the one that was written.
namespace countersign::server {
namespace {

constexpr std::string_view kMetaHistorySince = "history_since";  // written by the migration
constexpr std::size_t kReadAtOnce = 500;

// Walk goes over the lines twice: what holds them together, then what they tell.
class Walk {
 public:
  Walk(World& world, const IdentityBook& book) : world_(world), book_(book) {}

  [[nodiscard]] Result<HistoryCheck> Run();

 private:
  using What = std::optional<std::string>;  // is wrong
  [[nodiscard]] Status ForEachLine(const std::function<bool(const store::HistoryRow&)>& take);
  [[nodiscard]] Status ReadKeyEvents();
  [[nodiscard]] What CheckLine(const store::HistoryRow& row);
  [[nodiscard]] What CheckSignature(const wire::SignedHistoryLine& line);
  [[nodiscard]] What CheckEvent(const wire::HistoryLine& line);
  [[nodiscard]] bool Note(std::int64_t number, What what);

  World& world_;
  const IdentityBook& book_;
  HistoryCheck check_;
  bool begin_is_told_ = false;      // a signed line says with which one the history begins
  bool begin_is_repeated_ = false;  // by the line after an unsigned one that said it
  std::uint64_t own_from_ = 1;      // the first line whose event this registry has
  std::vector<store::EventRow> events_;
  std::size_t next_event_ = 0;
};

bool Walk::Note(std::int64_t number, What what) {
  if (what) check_.problem = HistoryCheck::Problem{number, *std::move(what)};
  return !check_.problem.has_value();
}

Status Walk::ForEachLine(const std::function<bool(const store::HistoryRow&)>& take) {
  std::int64_t after = std::numeric_limits<std::int64_t>::min();
  for (;;) {
    const auto rows = world_.registry.ListHistory(after, kReadAtOnce);
    if (!rows) return std::unexpected(rows.error());
    for (const auto& row : *rows) {
      if (!take(row)) return {};
    }
    if (rows->size() < kReadAtOnce) return {};
    after = rows->back().number;
  }
}

Walk::What Walk::CheckSignature(const wire::SignedHistoryLine& line) {
  if (!line.envelope) {
    ++check_.num_unsigned;
    return std::nullopt;
  }
  const auto* const signer = book_.FindServer(*line.line.x5t);
  if (signer == nullptr) {
    return "it is signed by the certificate " + HexLower(*line.line.x5t) +
           ", which is none of this server";
  }
  if (!wire::IsSignedBy(*line.envelope, signer->certificate.key())) {
    return "its signature is not that of certificate " + signer->certificate.serial();
  }
  if (signer->identity.Names(line.line.iss)) return std::nullopt;
  return "it is of server " + line.line.iss.Text() + ", which certificate " +
         signer->certificate.serial() + " does not name";
}

Walk::What Walk::CheckLine(const store::HistoryRow& row) {
  const auto parsed = wire::ParseHistoryLine(row.line);
  if (!parsed) return "it is no line of a history: " + parsed.error().message;
  const wire::HistoryLine& line = parsed->line;
  if (line.n != static_cast<std::uint64_t>(row.number)) {
    return "it stands in the place of this one, and is line " + std::to_string(line.n);
  }
  if (check_.num_lines == 0) {
    check_.first = row.number;
  } else if (line.n != check_.head.number + 1) {
    return "the one before it is missing: it follows line " + std::to_string(check_.head.number);
  } else if (line.prev != check_.head.digest) {
    return "line " + std::to_string(check_.head.number) +
           " is not the one that was there when it was written";
  }
  if (auto what = CheckSignature(*parsed)) return what;
  if (line.from) {
    if (!begin_is_repeated_) own_from_ = line.n;
    begin_is_told_ =
        begin_is_told_ || (line.x5t && static_cast<std::int64_t>(*line.from) == check_.first);
  }
  begin_is_repeated_ = line.from && !line.x5t;
  ++check_.num_lines;
  check_.head = {line.n, crypto::Sha256(AsBytes(row.line))};
  return std::nullopt;
}

Status Walk::ReadKeyEvents() {
  const auto since = world_.registry.GetMeta(kMetaHistorySince);
  if (!since) return std::unexpected(since.error());
  std::int64_t after = 0;
  if (*since) {
    const std::string& text = **since;
    std::from_chars(text.data(), text.data() + text.size(), after);
  }
  for (;;) {
    auto rows = world_.registry.ListEvents(after, kReadAtOnce);
    if (!rows) return std::unexpected(std::move(rows).error());
    if (rows->empty()) return {};
    after = rows->back().id;
    for (auto& row : *rows) {
      if (IsKeyEvent(row.kind)) events_.push_back(std::move(row));
    }
  }
}

Walk::What Walk::CheckEvent(const wire::HistoryLine& line) {
  if (line.n < own_from_) return std::nullopt;
  if (next_event_ == events_.size()) return "the event that it is about is missing";
  const store::EventRow& event = events_[next_event_++];
  if (TellsTheSame(TellingOf(event), line)) return std::nullopt;
  return "it does not say what event " + std::to_string(event.id) + " (" + event.kind + ", " +
         FormatUtc(event.at) + ") says: one of them was altered or removed";
}

Result<HistoryCheck> Walk::Run() {
  COUNTERSIGN_RETURN_IF_ERROR(ReadKeyEvents());
  COUNTERSIGN_RETURN_IF_ERROR(
      ForEachLine([&](const store::HistoryRow& row) { return Note(row.number, CheckLine(row)); }));
  if (check_.problem) return check_;
  if (check_.first > 1 && !begin_is_told_) {
    (void)Note(check_.first,
               "the lines before it are missing, and no signed line says that they were left with "
               "an earlier server");
    return check_;
  }
  COUNTERSIGN_RETURN_IF_ERROR(ForEachLine([&](const store::HistoryRow& row) {
    const auto parsed = wire::ParseHistoryLine(row.line);
    return parsed && Note(row.number, CheckEvent(parsed->line));
  }));
  if (!check_.problem && next_event_ < events_.size()) {
    const store::EventRow& event = events_[next_event_];
    (void)Note(0, "event " + std::to_string(event.id) + " (" + event.kind + ", " +
                      FormatUtc(event.at) + ") has no line: it was removed");
  }
  return check_;
}

}  // namespace

Result<HistoryCheck> CheckHistory(World& world) {
  const auto book = IdentityBook::Load(world.registry);
  if (!book) return std::unexpected(book.error());
  return Walk(world, *book).Run();
}

}  // namespace countersign::server
