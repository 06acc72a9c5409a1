#include "server/history.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "server/history_internal.h"
#include "server/identity_book.h"
#include "wire/messages.h"

namespace countersign::server {
namespace {

constexpr std::size_t kMaxLinesInBackup = 64;
// With 40,000 admitted agents in it a backup is still shorter than crypto::kPkcs12MaxLen.
constexpr std::size_t kMaxHistoryInBackup = std::size_t{48} * 1024;

constexpr auto kKeyEvents =
    std::to_array<std::string_view>({"identity-created",     "identity-imported",
                                     "identity-restored",    "identities-merged",
                                     "certificate-replaced", "certificate-revoked",
                                     "reserve-promoted",     "certificate-exported",
                                     "keys-exported",        "backup-password-changed",
                                     "owner-created",        "rollout-started",
                                     "rollout-rolling",      "rollout-gate",
                                     "rollout-halted",       "rollout-paused",
                                     "rollout-resumed",      "rollout-aborted",
                                     "rollout-stranded",     "rollout-rolled-back",
                                     "rollout-finished",     "aborted-key-destroyed",
                                     "move-started",         "move-halted",
                                     "move-resumed",         "move-aborted",
                                     "move-finished",        "agents-expected"});

// Fit makes a text of the server's own fit for a line.
std::string Fit(std::string_view text, std::size_t max_len) {
  std::string fit(text.substr(0, max_len));
  if (IsPrintableUtf8(fit)) return fit;
  std::ranges::replace_if(fit, [](char c) { return c < ' ' || c > '~'; }, '?');
  return fit;
}

Digest DigestOf(std::string_view line) { return crypto::Sha256(AsBytes(line)); }

// SplitLines: nothing unless it is whole lines that follow one another.
std::optional<std::vector<store::HistoryRow>> SplitLines(ByteView octets) {
  std::vector<store::HistoryRow> rows;
  std::string_view rest = AsText(octets);
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const auto parsed = wire::ParseHistoryLine(rest.substr(0, end));
    if (!parsed) return std::nullopt;
    const auto number = static_cast<std::int64_t>(parsed->line.n);
    const bool follows = rows.empty() || (rows.back().number + 1 == number &&
                                          DigestOf(rows.back().line) == parsed->line.prev);
    if (!follows) return std::nullopt;
    rows.push_back({number, std::string(rest.substr(0, end))});
    rest.remove_prefix(end + 1);
  }
  return rows;
}

// UntoldBegin is where the history begins, if only an unsigned line says it so far.
std::optional<std::uint64_t> UntoldBegin(std::string_view line) {
  const auto parsed = wire::ParseHistoryLine(line);
  return parsed && !parsed->envelope ? parsed->line.from : std::nullopt;
}

// TakeLines puts the lines of a backup into an empty history.
Result<std::vector<store::HistoryRow>> TakeLines(World& world, ByteView earlier) {
  auto rows = SplitLines(earlier);
  if (!rows) {
    world.log.Write(LogLevel::kWarning,
                    "the history in the backup is none that follows from line to line; a new one "
                    "begins, and agents will notice");
    return std::vector<store::HistoryRow>();
  }
  for (const auto& row : *rows) {
    COUNTERSIGN_RETURN_IF_ERROR(world.registry.AddHistory(row));
  }
  return *std::move(rows);
}

Result<std::string> SignedOrNot(World& world, wire::HistoryLine line) {
  const auto book = IdentityBook::LoadInUse(world.registry);
  if (!book) return std::unexpected(book.error());
  const auto* const active = book->Active();
  if (active == nullptr || book->server_ids().empty()) {
    return wire::FormatUnsignedHistoryLine(line);
  }
  line.iss = book->server_ids().front();
  line.certificate = active->certificate.thumbprint();
  const auto signer = world.ring.Find(active->certificate.key().digest());
  if (signer) {
    line.x5t = active->certificate.thumbprint();
    auto made = wire::SignHistoryLine(line, **signer);
    if (made) return made;
    world.log.Write(LogLevel::kWarning,
                    "cannot sign a line of the history: " + made.error().message);
    line.x5t.reset();
  }
  return wire::FormatUnsignedHistoryLine(line);
}

}  // namespace

wire::HistoryLine TellingOf(const store::EventRow& event) {
  wire::HistoryLine line;
  line.iat = static_cast<std::uint64_t>(std::max<std::int64_t>(0, ToUnix(event.at)));
  line.kind = event.kind;
  line.text = Fit(event.text, wire::kMaxHistoryTextLen);
  if (event.by) {
    line.by =
        wire::HistoryLine::Actor{event.by->uid, Fit(event.by->name, wire::kMaxHistoryNameLen)};
  }
  return line;
}

bool TellsTheSame(const wire::HistoryLine& a, const wire::HistoryLine& b) {
  return a.iat == b.iat && a.kind == b.kind && a.text == b.text && a.by == b.by;
}

bool IsKeyEvent(std::string_view kind) {
  return std::ranges::find(kKeyEvents, kind) != kKeyEvents.end();
}

Status AppendHistory(World& world, const store::EventRow& event, ByteView earlier) {
  auto last = world.registry.LastHistory();
  if (!last) return std::unexpected(std::move(last).error());
  wire::HistoryLine line = TellingOf(event);
  if (!*last && !earlier.empty()) {
    auto taken = TakeLines(world, earlier);
    if (!taken) return std::unexpected(std::move(taken).error());
    if (!taken->empty()) {
      line.from = static_cast<std::uint64_t>(taken->front().number);
      *last = std::move(taken->back());
    }
  }
  const std::int64_t number = *last ? (*last)->number : 0;
  if (number < 0 || number >= static_cast<std::int64_t>(wire::kMaxInteger)) {
    return Fail(Code::kDamaged,
                "no line of the history can follow line " + std::to_string(number) +
                    ", which nothing of this program has written",
                "countersign events verify");
  }
  line.n = static_cast<std::uint64_t>(number) + 1;
  if (number > 0) {
    line.prev = DigestOf((*last)->line);
    if (!line.from) line.from = UntoldBegin((*last)->line);
  }
  auto text = SignedOrNot(world, std::move(line));
  if (!text) return WithContext("cannot write the history", std::move(text).error());
  return world.registry.AddHistory({number + 1, *std::move(text)});
}

Result<Bytes> NewestLines(store::Registry& registry) {
  const auto last = registry.LastHistory();
  if (!last) return std::unexpected(last.error());
  if (!*last || (*last)->number < 1) return Bytes();
  const auto after = (*last)->number - static_cast<std::int64_t>(kMaxLinesInBackup);
  const auto rows = registry.ListHistory(after, kMaxLinesInBackup);
  if (!rows) return std::unexpected(rows.error());
  std::size_t len = 0;
  auto first = rows->end();
  while (first != rows->begin()) {
    const std::size_t more = (first - 1)->line.size() + 1;
    if (len + more > kMaxHistoryInBackup) break;
    len += more;
    --first;
  }
  std::string text;
  for (; first != rows->end(); ++first) text += first->line + '\n';
  // One that is damaged already shall not be what a restore begins with.
  if (!SplitLines(AsBytes(text))) return Bytes();
  return ToBytes(text);
}

Result<wire::HistoryHead> HeadOf(store::Registry& registry) {
  const auto last = registry.LastHistory();
  if (!last) return std::unexpected(last.error());
  if (!*last || (*last)->number < 1) return wire::HistoryHead();
  return wire::HistoryHead{static_cast<std::uint64_t>((*last)->number), DigestOf((*last)->line)};
}

}  // namespace countersign::server
