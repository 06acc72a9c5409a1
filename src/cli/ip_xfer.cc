#include "cli/ip_xfer.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <utility>

#include "base/process.h"
#include "base/terminal.h"
#include "base/user.h"
#include "cli/folders.h"
#include "cli/ip_xfer_request.h"
#include "cli/output.h"
#include "cli/passwords.h"
#include "cli/pasted.h"
#include "cli/unload_commands.h"
#include "cli/usage.h"
#include "net/control_client.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

// What the exchanges of a move take at most, beside what is waited for.
constexpr auto kExchanges = std::chrono::seconds(120);

// Whom the mover asks: the running agent, or this process in its place.
class Asked {
 public:
  Asked(fs::path folder, const StoppedAgent& stopped)
      : folder_(std::move(folder)), stopped_(stopped) {}

  // Ask returns what the agent says, a refusal too.
  Result<json::object> Ask(const MoverCall& call, const SecretBytes* password) {
    net::ControlMessage message{json::serialize(call.request), {}, {}};
    if (password != nullptr) message.secrets.push_back(password->Clone());
    if (call.certificate) message.blobs.push_back(call.certificate->der());
    auto answer = AskRunning(message, call.timeout);
    if (!answer && answer.error().code == Code::kUnavailable) {
      COUNTERSIGN_RETURN_IF_ERROR(BecomeOwnerOf(folder_));
      answer = stopped_(folder_, message);
      // An agent that has just started has the folder now.
      if (!answer && answer.error().code == Code::kUnavailable) {
        if (auto started = AskRunning(message, call.timeout)) answer = std::move(started);
      }
    }
    if (!answer) return std::unexpected(std::move(answer).error());
    boost::system::error_code failed;
    auto value = json::parse(*answer, failed);
    if (failed || !value.is_object()) {
      return Fail(Code::kInternal, "the agent's answer is no JSON object");
    }
    return std::move(value.get_object());
  }

 private:
  // kUnavailable if none runs.
  Result<std::string> AskRunning(const net::ControlMessage& message, Seconds timeout) {
    auto client = net::ControlClient::Connect(folder_);
    if (!client) return std::unexpected(std::move(client).error());
    auto answer = client->Call(message, timeout + kExchanges);
    if (!answer) return std::unexpected(std::move(answer).error());
    return std::move(answer->json);
  }

  fs::path folder_;
  const StoppedAgent& stopped_;
};

Exit ExitOf(const std::string& result, const MoverCall& call, const json::object& answer) {
  static const std::map<std::string, Exit, std::less<>> kExits = {
      {"verified", Exit::kOk},        {"installed-not-verified", Exit::kNotVerified},
      {"moved", Exit::kOk},           {"repaired", Exit::kOk},
      {"would-move", Exit::kOk},      {"would-repair", Exit::kOk},
      {"other-key", Exit::kOtherKey}, {"unreachable", Exit::kNoTarget},
      {"not-taken", Exit::kNotTaken}, {"other-certificate", Exit::kOtherThumbprint},
      {"failed", Exit::kMoverFailed}};
  const auto at = kExits.find(result);
  if (at == kExits.end()) return Exit::kInternal;
  const bool done = result == "moved" || result == "repaired";
  if (done && call.waits && !Flag(answer, "proved")) return Exit::kNotSeen;
  return at->second;
}

std::string SideText(const json::object& answer, std::string_view name) {
  const auto* const side = answer.if_contains(name);
  if (side == nullptr || !side->is_object()) return "";
  const auto& object = side->get_object();
  return Text(object, "host") + ", ports " + Text(object, "http_port") + " and " +
         Text(object, "https_port") + " (server " + Text(object, "server") +
         "); the agent listens on port " + Text(object, "listen_port");
}

void ShowSides(const json::object& answer) {
  const std::string to = SideText(answer, "to");
  if (to.empty()) return;
  PrintLine("Agent " + Text(answer, "agent"));
  PrintLine("  from " + SideText(answer, "from"));
  PrintLine("  to   " + to);
}

void ShowWhatFollows(const json::object& answer, const std::string& result) {
  if (result == "moved") {
    PrintLine(Flag(answer, "old_told")
                  ? "The former server knows that the agent has left."
                  : "The former server is not told yet; the agent goes on telling it.");
  }
  if (result == "moved" || result == "repaired") {
    if (!Flag(answer, "proved")) {
      PrintLine("The server has no proof of the agent yet; its next report will be one.");
    } else if (!Flag(answer, "accepted")) {
      PrintLine("The server does not admit the agent yet.");
    }
  }
  const std::string unfinished = Text(answer, "unfinished");
  if (!unfinished.empty()) {
    PrintLine("The agent's next start finishes the rest: " + unfinished);
  }
}

Exit Show(json::object answer, const MoverCall& call, Form form) {
  const std::string result = Text(answer, "result");
  const Exit exit = ExitOf(result, call, answer);
  const bool stays = exit != Exit::kOk && exit != Exit::kNotVerified && exit != Exit::kNotSeen;
  if (form == Form::kJson) {
    answer["ok"] = !stays;
    PrintJson(answer);
    return exit;
  }
  PrintLine(result + ": " + Text(answer, "why"));
  ShowSides(answer);
  if (stays) PrintLine("Nothing was changed: the agent stays with its present server.");
  if (call.request.contains("first_use")) {
    PrintLine("The certificate was taken on first use; compare: SHA-256 " +
              Text(answer, "thumbprint"));
  }
  ShowWhatFollows(answer, result);
  const std::string next = Text(answer, "next");
  if (!next.empty()) PrintLine("next: " + next);
  PrintLine("The agent trusts:");
  PrintCertificate(answer.at("certificate").as_object(), "  ");
  return exit;
}

PasswordSource GivenUnloadPassword(const Switches& switches) {
  auto source = UnloadPassword();
  source.argument = switches.Secret("pwd");
  source.file = switches.Value("pwd-file");
  source.option = "-pwd-file";
  return source;
}

Status TakeWarrant(const Switches& switches, MoverCall& call) {
  if (!switches.Has("warrant")) return {};
  auto warrant = ReadWarrantFile(switches.Value("warrant"));
  if (!warrant) return std::unexpected(std::move(warrant).error());
  call.request["warrant"] = *std::move(warrant);
  return {};
}

Exit Run(const Switches& switches, const char* program, const StoppedAgent& stopped, Form form) {
  const auto folder = AgentFolderPath(switches.Value("agent-folder"));
  if (const auto may = CheckAdministers(folder); !may) {
    static_cast<void>(PrintError(may.error(), form));
    return Exit::kNoAdministrator;
  }
  auto call = ReadMoverCall(switches, program);
  if (!call) return PrintError(ExplainForms(std::move(call).error()), form);
  if (const auto there = CheckAgentFolder(folder, "-agent-folder"); !there) {
    return PrintError(there.error(), form);
  }
  if (const auto taken = TakeWarrant(switches, *call); !taken) {
    return PrintUnloadError(taken.error(), form);
  }
  const auto source = GivenUnloadPassword(switches);
  auto password = GivenPassword(source);
  if (!password) return PrintError(password.error(), form);
  Asked asked(folder, stopped);
  const std::optional<SecretBytes>& given = *password;
  auto answer = asked.Ask(*call, given ? &*given : nullptr);
  const bool is_locked = answer && Flag(*answer, "unload");
  if (is_locked && Text(*answer, "code") == CodeName(Code::kWrongPassword) && !*password &&
      InputIsTerminal()) {
    auto typed = GetPassword(source, Prompt::kOnce);
    if (!typed) return PrintError(typed.error(), form);
    answer = asked.Ask(*call, &*typed);
  }
  if (!answer) return PrintError(answer.error(), form);
  if (const auto refused = AnswerError(*answer)) {
    return Flag(*answer, "unload") ? PrintUnloadError(*refused, form) : PrintError(*refused, form);
  }
  if (*password && !call->request.contains("dry_run") && !Flag(*answer, "unload_passed")) {
    (*answer)["unload_ignored"] = true;
    if (form == Form::kText)
      PrintLine("note: no unload password is set; the one that was given is ignored");
  }
  return Show(*std::move(answer), *call, form);
}

}  // namespace

int RunIpXfer(int argc, char** argv, const StoppedAgent& stopped) {
  auto args = TakeArguments(argc, argv, MoverSwitches());
  if (!args) return static_cast<int>(PrintError(args.error(), Form::kText));
  const Form form = FormOf(*args);
  const bool empty = args->empty();
  const auto switches = ParsePasted(*std::move(args), MoverSwitches());
  if (!switches) return static_cast<int>(PrintError(ExplainForms(switches.error()), form));
  if (switches->Has("help") || empty) {
    Print(MoverHelp());
    return static_cast<int>(empty ? Exit::kUsage : Exit::kOk);
  }
  return static_cast<int>(Run(*switches, argv[0], stopped, form));
}

}  // namespace countersign::cli
