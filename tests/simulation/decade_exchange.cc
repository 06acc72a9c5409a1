#include <algorithm>
#include <utility>

#include "server/standing.h"
#include "tests/simulation/decade_world.h"

// What travels between a machine and the server, and what becomes of it on the way.
namespace countersign::simulation {
namespace {

constexpr std::string_view kServerAddress = "198.51.100.1";
constexpr SimTime kSoon = 20 * kMinute;
constexpr std::size_t kMaxKept = 30;
constexpr int kMaxTries = 3;

}  // namespace

void Decade::Record(std::vector<std::string>& kept, const std::string& message) {
  if (kept.size() < kMaxKept) {
    kept.push_back(message);
  } else {
    kept[chance_.Index(kept.size())] = message;
  }
}

void Decade::Session(Member& member, int steps) {
  Machine& machine = *member.machine;
  if (chance_.Of(30)) machine.Kill();
  machine.Start();
  member.good_in_row = 0;
  Step(member, steps);
}

void Decade::Step(Member& member, int steps) {
  Machine& machine = *member.machine;
  if (steps <= 0 || !machine.is_up()) return;
  Exchange(member, at_fault_ ? Net::kBad : Net::kGood);
  if (chance_.Of(30)) Call(member);
  if (chance_.Of(10) && IsInOrder(member)) CheckObeys(member);
  if (!machine.is_up()) return;
  const SimTime wait = machine.NextReportIn();
  if (wait > kSoon) return;
  scheduler_.After(std::max(wait, kSecond), [this, &member, steps] { Step(member, steps - 1); });
}

// IsInOrder: nothing is in the way of an order.
bool Decade::IsInOrder(const Member& member) {
  const Machine& machine = *member.machine;
  if (frozen_ || rewound_ || !site_.is_up() || !member.HasTold() || member.cloned) return false;
  if (member.may_be_stranded || machine.clock_error() != Seconds(0)) return false;
  const auto row = site_.registry().FindAgent(machine.id()).value();
  return row && row->admitted && row->standing != server::kMismatched &&
         machine.trust().certificate.not_after() > machine.Now().wall;
}

bool Decade::Exchange(Member& member, Net net) {
  Machine& machine = *member.machine;
  const auto before = machine.trust();
  const bool bad = net == Net::kBad;
  ++outcome_.exchanges;
  disk_failed_ = false;
  const auto report = machine.Report();
  if (!report) return AfterExchange(member, before, false);
  Record(reports_, *report);
  const auto fail = [&] {
    machine.ReportFailed();
    return AfterExchange(member, before, false);
  };
  if (frozen_ || !site_.is_up() || (bad && chance_.Of(8))) return fail();
  if (bad && chance_.Of(4)) {  // it comes late, when nobody waits for the answer
    scheduler_.After(chance_.Below(20 * kDay), [this, report = *report, from = machine.Address()] {
      (void)site_.TakeReport(report, from);
    });
    return fail();
  }
  if (bad && chance_.Of(5)) (void)site_.TakeReport(*report, machine.Address());  // doubled
  if (bad && chance_.Of(2)) site_.CutPowerAt(1 + chance_.Below(4));
  const auto answer = site_.TakeReport(*report, machine.Address());
  site_.CutPowerAt(0);
  if (!answer || answer->status != 200) return fail();
  Record(replies_, answer->reply);
  if (bad && chance_.Of(8)) return fail();
  if (bad && chance_.Of(3)) {
    scheduler_.After(chance_.Below(20 * kDay), [&machine, answer = *answer] {
      if (machine.is_up()) (void)machine.TakeReply(answer.reply, answer.nonce);
    });
    return fail();
  }
  const bool is_deaf = options_.broken == DecadeBroken::kLosesContact && machine.number() == 1;
  const auto took = machine.TakeReply(is_deaf ? "no reply" : answer->reply, answer->nonce);
  PostReceipts(took.receipts, net);
  if (machine.is_up()) PostReceipts(machine.TakeReceipts(), net);
  return AfterExchange(member, before, !disk_failed_);
}

void Decade::PostReceipts(const std::vector<std::string>& receipts, Net net) {
  for (const std::string& receipt : receipts) {
    if (net == Net::kBad && chance_.Of(10)) continue;
    site_.TakePostedReceipt(receipt);
    if (net == Net::kBad && chance_.Of(10)) site_.TakePostedReceipt(receipt);
  }
}

// `good`: nothing went wrong on the way. Then the agent has what the server has, unless the server
// was set back behind it.
bool Decade::AfterExchange(Member& member, const trust::TrustState& before, bool good) {
  Machine& machine = *member.machine;
  if (good) {
    const auto& book = site_.book();
    const auto& active = *book.Active();
    const bool is_behind_server = before.generation < active.identity.generation &&
                                  book.KnowsOwner(before.owner) && book.IsOurs(before.server);
    if (is_behind_server && machine.trust().generation < active.identity.generation) {
      checker_.Violated(
          machine.Name() +
          " is lost: it talked to its server, and holds an earlier certificate still");
    }
  }
  // A nonce that is days old proves nothing, and a newer generation takes a report more to prove.
  const bool stays = good && machine.trust() == before;
  const bool in_row = scheduler_.now() - member.last_good < kHour;
  member.good_in_row = stays ? (in_row ? member.good_in_row : 0) + 1 : 0;
  member.last_good = scheduler_.now();
  if (member.HasTold()) member.set_back = false;
  if (good && machine.trust() != before) member.led_astray = false;
  CheckExposure(member);
  CheckNotStranded(member);
  return good;
}

void Decade::Order(Member& member, const char* act) {
  if (!site_.is_up()) return;
  const auto added = site_.server().AddOrders({.agents = {member.machine->id()},
                                               .act = act,
                                               .args = {},
                                               .expires_after = std::chrono::hours(24 * 300)},
                                              site_.Now());
  if (added) forger_.Saw(added->front());
}

// The server calls whom it has orders for; one machine is there to answer.
void Decade::Call(Member& member) {
  if (frozen_ || !site_.is_up() || !member.machine->is_up()) return;
  auto due = site_.server().DueCalls(site_.Now(), 20, {});
  if (!due) return;
  for (auto& call : *due) {
    const bool is_there =
        call.agent == member.machine->id() && call.address.Text() == member.machine->Address();
    if (is_there) {
      MakeCall(member, std::move(call));
    } else {
      site_.server().CallFailed(call, "connection refused", site_.Now());
    }
  }
}

void Decade::MakeCall(Member& member, server::Call call) {
  Machine& machine = *member.machine;
  for (int tries = 0; tries < kMaxTries && machine.is_up(); ++tries) {
    const auto order = site_.server().SignCall(call, machine.DrawChallenge(), site_.Now());
    if (!order) return site_.server().CallFailed(call, order.error().message, site_.Now());
    Record(orders_, *order);
    auto answer = machine.TakeOrder(*order, std::string(kServerAddress));
    if (answer.pending && machine.is_up()) {
      Exchange(member, Net::kGood);
      answer.receipt = machine.EndPending(*answer.pending).value_or("");
    }
    if (answer.status != 200 || answer.receipt.empty() || (at_fault_ && chance_.Of(10))) {
      return site_.server().CallFailed(call, "no receipt", site_.Now());
    }
    const auto next = site_.server().TakeReceipt(call, answer.receipt, site_.Now());
    if (next == server::CallNext::kEnded) break;
  }
  CheckExposure(member);
}

// Both machines of one key are on for a day, and talk to the server by turns.
void Decade::Duel(Member& original, Member& clone) {
  bool good = true;
  original.machine->Start();
  clone.machine->Start();
  for (int turn = 0; turn < 3; ++turn) {
    for (Member* const member : {&original, &clone}) {
      if (!member->machine->is_up()) return;
      good = Exchange(*member, Net::kGood) && good;
      good = Exchange(*member, Net::kGood) && good;
    }
  }
  if (!good) return;
  original.dueled = clone.dueled = true;
  if (options_.broken != DecadeBroken::kClonesUnnoticed) return;
  auto row = site_.registry().FindAgent(clone.machine->id()).value().value();
  row.cloned = false;
  Check(site_.registry().PutAgent(row).has_value(), "the row is not put");
}

}  // namespace countersign::simulation
