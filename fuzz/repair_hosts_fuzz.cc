#include <boost/json/value.hpp>

#include "base/error.h"
#include "cli/repair_hosts.h"

using namespace countersign;
using cli::RepairBy;
using cli::RepairLists;

constexpr std::string_view kId = "11111111-2222-8333-8444-555555555555";
constexpr std::string_view kPlain =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-";

static void CheckLists(const boost::json::object& row, RepairBy by) {
  const RepairLists none(by, cli::RepairWhom::kChosen);
  RepairLists lists(by, cli::RepairWhom::kChosen);
  lists.Take(row);
  Check(lists.hosts().size() + lists.num_left_out() == 1, "neither taken nor left out");
  if (lists.hosts().empty()) {
    Check(lists.HostsTxt() == none.HostsTxt() && lists.NodesTxt().empty() &&
              lists.InventoryYaml() == none.InventoryYaml(),
          "something of what was left out is in a list");
    return;
  }
  const auto& host = lists.hosts().front();
  Check(lists.HostsTxt() == none.HostsTxt() + host.target + " " + std::string(kId) + " -\n",
        "more than a line");
  Check(!host.target.empty() && host.target.front() != '-', "it passes for an option");
  Check((host.target + host.name).find_first_not_of(kPlain) == std::string::npos, "no plain word");
}

// What an agent says of itself, name and address with a line end between them: in a list that
// root's scripts read there is a plain word, or nothing.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = text.find('\n');
  const auto address = end == std::string_view::npos ? "" : text.substr(end + 1);
  const boost::json::object row = {
      {"agent", kId}, {"host", text.substr(0, end)}, {"address", address}};
  CheckLists(row, RepairBy::kName);
  CheckLists(row, RepairBy::kAddress);
  return 0;
}
