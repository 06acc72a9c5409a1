#include "cli/repair_hosts.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "base/ids.h"
#include "cli/csv.h"
#include "cli/output.h"
#include "net/address.h"

namespace countersign::cli {
namespace {

constexpr std::size_t kMaxNameLen = 253;
constexpr std::size_t kMaxLabelLen = 63;

// By ASCII, whatever the locale.
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameCharacter(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

bool IsLabel(std::string_view label) {
  return !label.empty() && label.size() <= kMaxLabelLen && label.front() != '-' &&
         label.back() != '-' && std::ranges::all_of(label, IsNameCharacter);
}

// What the system's resolver may read as an address: 127.1, 2130706433, 0x7f000001.
bool LooksLikeNumber(std::string_view label) {
  return std::ranges::all_of(label, IsDigit) || Lower(label).starts_with("0x");
}

// For a person who looks at the file with whatever: nothing in it moves the cursor.
std::string Escaped(std::string_view text) {
  const bool is_printable = IsPrintableUtf8(text);
  std::string out;
  for (const char c : text) {
    if (is_printable || (c >= ' ' && c <= '~')) {
      out += c;
      continue;
    }
    std::array<char, 8> escaped{};
    std::snprintf(escaped.data(), escaped.size(), "\\x%02x", static_cast<unsigned char>(c));
    out += escaped.data();
  }
  return out;
}

// Why an address is no place to go to; nothing if it is one.
std::optional<std::string> CannotGoTo(net::AddressClass of) {
  switch (of) {
    case net::AddressClass::kUnspecified:
    case net::AddressClass::kMulticast:
      return "its address is that of no single machine";
    case net::AddressClass::kLinkLocal:
      return "its address is link-local: from another machine it names nobody";
    case net::AddressClass::kLoopback:
    case net::AddressClass::kOrdinary:
      break;
  }
  return std::nullopt;
}

// Why this server's certificate is not for it, whoever chose it; nothing if it is. An agent that
// belongs to another server would be stranded by it: it would trust this one, and report to that.
std::optional<std::string> BelongsElsewhere(const boost::json::object& agent) {
  const std::string standing = Text(agent, "standing");
  if (standing == "retired") return "its machine was installed anew, and is another agent now";
  if (standing == "arriving") return "it belongs to another server still, and comes by itself";
  if (standing == "moved") return "it belongs to another server now";
  if (!Text(agent, "moved_to").empty()) {
    return "it had moved to another server: countersign agents approve keeps it here";
  }
  return std::nullopt;
}

// Why the mover is not what mends it; nothing if it is.
std::optional<std::string> CannotMend(const boost::json::object& agent) {
  if (Text(agent, "reason") == "cloned") {
    return "two machines run with its key: install the agent anew on each of them";
  }
  const std::string held = Text(agent, "thumbprint_held");
  const bool holds_it = !held.empty() && held == Text(agent, "thumbprint_expected");
  if (!holds_it || Text(agent, "reason") == "distrusted") return std::nullopt;
  if (!Flag(agent, "admitted")) {
    return "it holds the certificate and is not admitted: countersign agents approve";
  }
  return "it holds the certificate already";
}

// Inventory words that mean something else to Ansible.
bool IsTaken(const std::string& name) {
  static constexpr std::array<std::string_view, 3> kTaken = {"all", "ungrouped", "countersign"};
  return std::ranges::find(kTaken, name) != kTaken.end();
}

constexpr std::string_view kHostsHead =
    "# One host on a line: TARGET AGENT_ID AGENT_FOLDER\n"
    "#   TARGET        address or name, as ssh has it; USER@ may stand before it\n"
    "#   AGENT_ID      the agent that is expected there; - for whichever there is\n"
    "#   AGENT_FOLDER  its folder; - for COUNTERSIGN_AGENT_FOLDER there, or\n"
    "#                 /var/lib/countersign-agent\n";

constexpr std::string_view kInventoryHead =
    "# ansible-playbook -i inventory.yml playbook.yml --become\n"
    "# countersign_agent: the agent that is expected there.\n"
    "# countersign_agent_folder may be added to a host, or to all of them below.\n"
    "all:\n"
    "  children:\n"
    "    countersign:\n"
    "      vars:\n"
    "        countersign_agent_folder: \"\"\n";

}  // namespace

bool IsHostName(std::string_view text) {
  if (text.empty() || text.size() > kMaxNameLen) return false;
  const std::string lower = Lower(text);
  if (lower == "localhost" || lower.starts_with("localhost.")) return false;
  std::string_view rest = text;
  for (;;) {
    const std::size_t dot = rest.find('.');
    if (!IsLabel(rest.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return !LooksLikeNumber(rest);
    rest.remove_prefix(dot + 1);
  }
}

std::expected<RepairHost, std::string> HostOf(const boost::json::object& agent, RepairBy by,
                                              RepairWhom whom) {
  RepairHost host{.agent = Text(agent, "agent"), .target = {}, .name = {}};
  if (!AgentId::ParseText(host.agent)) return std::unexpected("its id is none");
  if (auto why = BelongsElsewhere(agent)) return std::unexpected(*std::move(why));
  if (whom == RepairWhom::kMendable) {
    if (auto why = CannotMend(agent)) return std::unexpected(*std::move(why));
  }
  if (std::string name = Text(agent, "host"); IsHostName(name)) host.name = std::move(name);
  if (by == RepairBy::kName) {
    if (host.name.empty()) {
      return std::unexpected("what it calls itself is no host name: letters, digits, - _ and dots");
    }
    host.target = host.name;
    return host;
  }
  const auto address = net::IpAddress::Parse(Text(agent, "address"));
  if (!address) return std::unexpected("it has no IPv4 or IPv6 address");
  if (auto why = CannotGoTo(address->Classify())) return std::unexpected(*std::move(why));
  host.target = address->Text();
  host.is_ipv6 = !address->is_v4();
  return host;
}

RepairLists::RepairLists(RepairBy by, RepairWhom whom)
    : by_(by),
      whom_(whom),
      agents_csv_(MismatchedCsvHeader(Bom::kNo)),
      left_out_csv_("agent_id,host,address,reason\r\n") {}

void RepairLists::Take(const boost::json::object& agent) {
  agents_csv_ += MismatchedCsvRow(agent);
  auto host = HostOf(agent, by_, whom_);
  if (!host) {
    for (const std::string_view member : {"agent", "host", "address"}) {
      left_out_csv_ += CsvField(Escaped(Text(agent, member))) + ",";
    }
    left_out_csv_ += CsvField(host.error()) + "\r\n";
    ++num_left_out_;
    return;
  }
  if (!Flag(agent, "admitted")) {
    not_admitted_ += host->agent + "\n";
    ++num_not_admitted_;
  }
  hosts_.push_back(*std::move(host));
}

std::string RepairLists::HostsTxt() const {
  std::string text(kHostsHead);
  for (const RepairHost& host : hosts_) text += host.target + " " + host.agent + " -\n";
  return text;
}

std::string RepairLists::NodesTxt() const {
  std::string text;
  for (const RepairHost& host : hosts_) {
    text += host.is_ipv6 ? "# left out, clush cannot copy to an address of IPv6: " : "";
    text += host.target + "\n";
  }
  return text;
}

std::string RepairLists::InventoryYaml() const {
  std::map<std::string, std::size_t> uses;
  for (const RepairHost& host : hosts_) ++uses[Lower(host.name)];
  std::string text(kInventoryHead);
  text += hosts_.empty() ? "      hosts: {}\n" : "      hosts:\n";
  for (const RepairHost& host : hosts_) {
    const std::string lower = Lower(host.name);
    const bool by_id =
        lower.empty() || uses[lower] > 1 || IsTaken(lower) || AgentId::ParseText(lower).has_value();
    text += "        \"" + (by_id ? host.agent : host.name) + "\":\n";
    text += "          ansible_host: \"" + host.target + "\"\n";
    text += "          countersign_agent: \"" + host.agent + "\"\n";
  }
  return text;
}

}  // namespace countersign::cli
