#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

// The lists of a repair kit: where to go, for each of the tools that go there. What agents say of
// themselves (names, addresses) is anybody's text, and root's scripts will read these lists: only
// what is certainly a name or an address gets into one, all else is left out with a reason.
namespace countersign::cli {

// By what a host is gone to: the address from which the agent last reported, or the name it says.
enum class RepairBy { kAddress, kName };
// Whom the kit is for: the agents chosen, or of these only those that the mover mends. Never who
// belongs to another server, is yet to come from one, or is no agent any more.
enum class RepairWhom { kChosen, kMendable };

struct RepairHost {
  std::string agent;   // its id
  std::string target;  // an address in its canonical form, or a name for which IsHostName holds
  std::string name;    // what it calls itself if IsHostName holds, else empty
  bool is_ipv6 = false;
};

// IsHostName: letters, digits, `-`, `_` and dots between labels (RFC 1123, and the underscore), at
// most 253; nothing that a resolver takes for a number, and no name of the machine on which a
// script runs (localhost).
[[nodiscard]] bool IsHostName(std::string_view text);

// HostOf judges a row (AgentJson). The error is the reason for which it is left out: one line of
// ASCII that repeats nothing of the row.
[[nodiscard]] std::expected<RepairHost, std::string> HostOf(const boost::json::object& agent,
                                                            RepairBy by, RepairWhom whom);

// RepairLists gathers rows and makes the files. The same rows in the same order make the same
// octets. One thread.
class RepairLists {
 public:
  RepairLists(RepairBy by, RepairWhom whom);

  // Take adds a row (AgentJson), to all lists that it belongs to.
  void Take(const boost::json::object& agent);

  [[nodiscard]] const std::vector<RepairHost>& hosts() const { return hosts_; }
  [[nodiscard]] std::size_t num_left_out() const { return num_left_out_; }
  [[nodiscard]] std::size_t num_not_admitted() const { return num_not_admitted_; }

  // All rows, as `CertificateManager -l` has them.
  [[nodiscard]] const std::string& agents_csv() const { return agents_csv_; }
  // agent_id, host, address, reason. Control characters are shown as \xNN.
  [[nodiscard]] const std::string& left_out_csv() const { return left_out_csv_; }
  // The ids of the hosts' agents that the server has not admitted, a line each.
  [[nodiscard]] const std::string& not_admitted() const { return not_admitted_; }
  // TARGET AGENT_ID AGENT_FOLDER, a line each; `-` for the folder's default.
  [[nodiscard]] std::string HostsTxt() const;
  // For clush --hostfile. Addresses of IPv6 are comments: its copying (scp) does not take them.
  [[nodiscard]] std::string NodesTxt() const;
  // An inventory for Ansible. A host is called by its name where one host only has it, else by its
  // agent's id.
  [[nodiscard]] std::string InventoryYaml() const;

 private:
  RepairBy by_;
  RepairWhom whom_;
  std::vector<RepairHost> hosts_;
  std::size_t num_left_out_ = 0;
  std::size_t num_not_admitted_ = 0;
  std::string agents_csv_;
  std::string left_out_csv_;
  std::string not_admitted_;
};

}  // namespace countersign::cli
