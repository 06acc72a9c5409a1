#include <algorithm>
#include <array>
#include <boost/json/value.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/output.h"
#include "cli/rollout_text.h"

// What a rollout finds in the fleet: counts of a plan, and names at the gate.
namespace countersign::cli {
namespace {

struct Class {
  std::string_view member;  // of FLEET
  std::string_view name;    // of NAME
  std::string_view text;
};
constexpr std::array<Class, 5> kClasses = {{
    {"taken", "taken", "have it"},
    {"at_once", "at-once", "at once: the server calls them"},
    {"next_contact", "next-contact", "at their next contact"},
    {"unseen", "unseen", "when they are seen again"},
    {"hands", "hands", "need hands"},
}};

void PrintUnseen(const boost::json::object& fleet) {
  const std::uint64_t never = Number(fleet, "never_seen");
  Table table({"NOT SEEN FOR MORE THAN", "AGENTS"});
  std::uint64_t total = never;
  for (const auto& value : List(fleet, "unseen_since")) {
    if (!value.is_object()) continue;
    const auto& since = value.get_object();
    const std::uint64_t days = Number(since, "days");
    const std::uint64_t agents = Number(since, "agents");
    if (agents == 0) continue;
    total += agents;
    table.Add({std::to_string(days) + (days == 1 ? " day" : " days"), std::to_string(agents)});
  }
  if (never > 0) table.Add({"(never seen)", std::to_string(never)});
  if (total == 0) return;
  PrintLine("");
  table.Print();
}

void PrintReasons(const boost::json::object& fleet) {
  const auto& reasons = List(fleet, "reasons");
  if (reasons.empty()) return;
  Table table({"NEED HANDS", "AGENTS", "WHY"});
  for (const auto& value : reasons) {
    if (!value.is_object()) continue;
    const auto& reason = value.get_object();
    table.Add({Text(reason, "reason"), Text(reason, "agents"), Text(reason, "text")});
  }
  PrintLine("");
  table.Print();
}

void PrintDomains(const boost::json::object& fleet) {
  const auto& domains = List(fleet, "domains");
  if (domains.empty()) return;
  Table table({"DOMAIN", "AGENTS", "HAVE IT", "AT ONCE", "NEXT CONTACT", "UNSEEN", "HANDS"});
  for (const auto& value : domains) {
    if (!value.is_object()) continue;
    const auto& domain = value.get_object();
    const auto* const name = domain.if_contains("domain");
    const bool rest = name == nullptr || name->is_null();
    std::vector<std::string> row = {rest ? "(all others)" : Text(domain, "domain"),
                                    Text(domain, "agents")};
    if (row.front().empty()) row.front() = "(none)";
    for (const auto& of : kClasses) row.push_back(Text(domain, of.member));
    table.Add(std::move(row));
  }
  PrintLine("");
  table.Print();
}

std::string ClassText(const boost::json::object& name) {
  const std::string word = Text(name, "class");
  const auto* const found = std::ranges::find(kClasses, word, &Class::name);
  return found == kClasses.end() ? word : std::string(found->text);
}

}  // namespace

void PrintFleet(const boost::json::object& fleet) {
  Table table({"A NEW CERTIFICATE", "AGENTS"});
  for (const auto& of : kClasses) {
    table.Add({std::string(of.text), std::to_string(Number(fleet, of.member))});
  }
  table.Add({"all", std::to_string(Number(fleet, "agents"))});
  table.Print();
  PrintUnseen(fleet);
  PrintReasons(fleet);
  PrintDomains(fleet);
}

void PrintNames(const boost::json::array& names) {
  Table table({"AGENT", "HOST", "DOMAIN", "LAST CONTACT", "TAKES IT OVER", "WHY", "NEXT"});
  for (const auto& value : names) {
    if (!value.is_object()) continue;
    const auto& name = value.get_object();
    const std::string text = Text(name, "text");
    table.Add({Text(name, "agent"), Text(name, "host"), Text(name, "domain"),
               Text(name, "last_contact"), ClassText(name),
               text.empty() ? Text(name, "reason") : text, Text(name, "next")});
  }
  table.Print();
}

void PrintGate(const boost::json::object& answer) {
  const auto* const member = answer.if_contains("fleet");
  const boost::json::object fleet =
      member != nullptr && member->is_object() ? member->get_object() : boost::json::object();
  const std::uint64_t agents = Number(fleet, "agents");
  const std::uint64_t missing = agents - std::min(agents, Number(fleet, "taken"));
  PrintLine(std::to_string(missing) + " of " + std::to_string(agents) + " agents " +
            (missing == 1 ? "has" : "have") + " not taken the certificate over:");
  for (const auto& of : kClasses) {
    const std::uint64_t count = of.name == "taken" ? 0 : Number(fleet, of.member);
    const std::string_view will = of.name == "hands" ? "" : "will by themselves, ";
    if (count > 0) {
      PrintLine("  " + std::to_string(count) + " " + std::string(will) + std::string(of.text));
    }
  }
  const auto& names = List(answer, "names");
  if (!names.empty()) {
    PrintLine("");
    PrintNames(names);
  }
  if (names.size() < missing) {
    PrintLine("These are the first " + std::to_string(names.size()) +
              "; all of them: countersign rollout plan --names hands (or at-once, next-contact, "
              "unseen)");
  }
  PrintLine("");
  PrintLine("Nothing was finished. To go on nevertheless: countersign rollout finish --accept");
  if (Number(fleet, "hands") > 0) {
    PrintLine(
        "  Those that need hands stay behind until somebody runs the command named with each.");
  }
}

namespace {

// The abort takes no password, and the key is sealed.
void PrintBackupHoldsIt() {
  PrintLine(
      "The automatic backup holds the key until its password is next given, and a server made "
      "from that file could take the certificate into use: countersign backup password");
}

}  // namespace

void PrintAborted(const boost::json::object& answer, bool accepted) {
  const auto& names = List(answer, "names");
  const bool destroyed = accepted && Flag(answer, "done");
  const std::string holders =
      std::to_string(names.size()) + (names.size() == 1 ? " agent" : " agents");
  if (names.empty()) {
    PrintLine("The certificate is offered to nobody any more. Nobody was sent it.");
    PrintBackupHoldsIt();
    return;
  }
  if (destroyed) {
    PrintLine("The key of the aborted certificate is destroyed. " + holders +
              " may hold it and obey nobody until the next certificate, which they take over as "
              "all others do:");
  } else {
    PrintLine("The certificate is offered to nobody any more.");
    PrintLine(holders +
              " were sent it and may hold it. Its key is kept, and commands them, until each has "
              "proved a newer certificate:");
  }
  Table table({"AGENT", "HOST", "DOMAIN", "LAST CONTACT"});
  for (const auto& value : names) {
    if (!value.is_object()) continue;
    const auto& name = value.get_object();
    table.Add({Text(name, "agent"), Text(name, "host"), Text(name, "domain"),
               Text(name, "last_contact")});
  }
  PrintLine("");
  table.Print();
  PrintLine("");
  PrintBackupHoldsIt();
  PrintLine("A newer certificate for all: CertificateManager -c, or countersign rollout start");
  if (!destroyed) {
    PrintLine(
        "To destroy the key now, which leaves these agents without a server until then: "
        "countersign rollout abort --accept");
  }
}

}  // namespace countersign::cli
