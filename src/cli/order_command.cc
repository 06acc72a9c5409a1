#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <thread>
#include <utility>

#include "base/files.h"
#include "cli/agent_commands.h"

namespace countersign::cli {
namespace {

constexpr auto kPoll = std::chrono::milliseconds(100);
constexpr std::size_t kAskedAtOnce = 1'000;
constexpr std::size_t kMaxArgsLen = 16UL * 1024;  // an order's; the server says what is too long

bool IsOver(const boost::json::object& order) {
  const std::string state = Text(order, "state");
  return state != "queued" && state != "sent";
}

// Done is what the order was for: also when the agent had done it before.
bool IsDone(const boost::json::object& order) {
  return Text(order, "verdict") == "done" ||
         (Text(order, "verdict") == "done-before" && Text(order, "earlier") == "done");
}

// ArgsOf is the order's arguments as JSON text, from where the caller has put them.
Result<std::string> ArgsOf(const OrderCommand& command) {
  if (!command.program.empty()) {
    if (command.act != "run") {
      return Fail(Code::kUsage, "only run takes a program; arguments of " + command.act +
                                    " are a JSON object: --args or --args-file");
    }
    boost::json::array arguments;
    for (std::size_t i = 1; i < command.program.size(); ++i) {
      arguments.emplace_back(command.program[i]);
    }
    return boost::json::serialize(
        boost::json::object{{"program", command.program.front()}, {"args", std::move(arguments)}});
  }
  if (command.args_file.empty()) return command.args;
  const auto file = ReadFile(command.args_file, kMaxArgsLen);
  if (!file) return WithContext("--args-file", file.error());
  return std::string(AsText(*file));
}

// PrintOutput shows what programs wrote: text of the agent's, so it is escaped by PrintLine.
void PrintOutput(const boost::json::object& order) {
  boost::system::error_code failed;
  const auto result = boost::json::parse(Text(order, "result"), failed);
  const auto* const object = failed ? nullptr : result.if_object();
  const std::string output = object == nullptr ? "" : Text(*object, "output");
  if (output.empty()) return;
  PrintLine("");
  PrintLine("Output of order " + Text(order, "order") + " on agent " + Text(order, "agent") +
            (object->contains("cut") ? " (its end):" : ":"));
  for (std::size_t begin = 0; begin < output.size();) {
    const std::size_t end = std::min(output.find('\n', begin), output.size());
    PrintLine("  " + output.substr(begin, end - begin));
    begin = end + 1;
  }
}

// ResultText is the order's result for its place in the table: the output stands below.
std::string ResultText(const boost::json::object& order) {
  boost::system::error_code failed;
  auto result = boost::json::parse(Text(order, "result"), failed);
  if (failed || !result.is_object()) return Text(order, "result");
  result.get_object().erase("output");
  return boost::json::serialize(result);
}

// AskAbout fetches the orders anew, a bounded number at once.
Result<boost::json::array> AskAbout(Session& session, const boost::json::array& ids) {
  boost::json::array orders;
  for (std::size_t from = 0; from < ids.size(); from += kAskedAtOnce) {
    boost::json::array some;
    for (std::size_t i = from; i < std::min(ids.size(), from + kAskedAtOnce); ++i) {
      some.push_back(ids[i]);
    }
    server::AdminMessage request;
    request.json = {{"command", "orders"}, {"orders", std::move(some)}};
    auto answer = session.Call(std::move(request));
    if (!answer) return std::unexpected(std::move(answer).error());
    for (auto& order : answer->json.at("orders").as_array()) orders.push_back(std::move(order));
  }
  return orders;
}

Exit Outcome(const boost::json::array& orders) {
  Exit exit = Exit::kOk;
  for (const auto& value : orders) {
    const auto& order = value.as_object();
    if (!IsOver(order)) {
      if (exit == Exit::kOk) exit = Exit::kOrderNotEnded;
    } else if (!IsDone(order)) {
      exit = Exit::kOrderNotDone;
    }
  }
  return exit;
}

void PrintOrders(const boost::json::array& orders, bool waited) {
  Table table({"AGENT", "ORDER", "STATE", "VERDICT", "RESULT"});
  std::size_t open = 0;
  for (const auto& value : orders) {
    const auto& order = value.as_object();
    const std::string earlier = Text(order, "earlier");
    table.Add({Text(order, "agent"), Text(order, "order"), Text(order, "state"),
               Text(order, "verdict") + (earlier.empty() ? "" : " (" + earlier + ")"),
               ResultText(order)});
    if (!IsOver(order)) ++open;
  }
  table.Print();
  for (const auto& value : orders) PrintOutput(value.as_object());
  const bool not_allowed = std::ranges::any_of(
      orders, [](const auto& one) { return Text(one.as_object(), "verdict") == "not-allowed"; });
  if (not_allowed) {
    PrintLine(
        "not-allowed: the local policy of that machine does not allow it. Its administrator can, "
        "in /etc/countersign-agent/policy.toml there (docs/actions.md).");
  }
  if (open == 0) return;
  PrintLine(std::to_string(open) + (waited ? " had not ended when the wait was over" : " queued") +
            "; they go on by themselves. countersign agents show ID says how it stands.");
}

}  // namespace

Exit SendOrder(Session& session, const OrderCommand& command, Form form) {
  const bool wait = command.wait.count() > 0;
  const auto args = ArgsOf(command);
  if (!args) return PrintError(args.error(), form);
  if (const auto opened = session.Open(); !opened) return PrintError(opened.error(), form);
  if (wait && !session.server_runs()) {
    return PrintError({Code::kUnavailable, "the server is not running: nobody would send the order",
                       "start countersignd, or queue it with --no-wait"},
                      form);
  }
  boost::json::array agents;
  for (const auto& agent : command.agents) agents.emplace_back(agent);
  server::AdminMessage request;
  request.json = {{"command", "order"}, {"agents", std::move(agents)},
                  {"all", command.all}, {"act", command.act},
                  {"args", *args},      {"expires_seconds", command.expires.count()}};
  const auto sent = session.Call(std::move(request));
  if (!sent) return PrintError(sent.error(), form);
  boost::json::array ids;
  for (const auto& order : sent->json.at("orders").as_array()) {
    ids.push_back(order.as_object().at("order"));
  }
  const auto until = std::chrono::steady_clock::now() + command.wait;
  auto orders = AskAbout(session, ids);
  while (orders && wait && std::chrono::steady_clock::now() < until &&
         !std::ranges::all_of(*orders, [](const auto& o) { return IsOver(o.as_object()); })) {
    std::this_thread::sleep_for(kPoll);
    orders = AskAbout(session, ids);
  }
  if (!orders) return PrintError(orders.error(), form);
  const Exit exit = wait ? Outcome(*orders) : Exit::kOk;
  if (form == Form::kJson) {
    PrintJson({{"ok", exit == Exit::kOk}, {"orders", *std::move(orders)}});
  } else {
    PrintOrders(*orders, wait);
  }
  return exit;
}

}  // namespace countersign::cli
