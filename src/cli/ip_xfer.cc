#include "cli/ip_xfer.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <utility>
#include <vector>

#include "agent/installation.h"
#include "base/process.h"
#include "cli/folders.h"
#include "cli/output.h"
#include "cli/pasted.h"
#include "cli/usage.h"
#include "net/control_client.h"

namespace countersign::cli {
namespace {

constexpr std::string_view kHelp = R"(IpXfer: renew the trust of the agent on this machine

  IpXfer -e OfcNTCer.dat

  -e FILE               the server's public certificate; a name is looked for in the folder that
                        you are in, then beside this program
  -pwd PASSWORD         the unload password; not needed by this version, ignored with a note
  -no-verify            install it although a server answers with another key
  -agent-folder FOLDER  the agent's folder (else COUNTERSIGN_AGENT_FOLDER,
                        /var/lib/countersign-agent)
  -json                 one JSON object as output

The server is asked before anything is changed. Exit codes: 0 verified; 30 installed, but the server
could not be asked; 31 a server answered with another key and nothing was changed; 2 usage, 3 not
found, 5 not permitted, 13 no certificate; all of them: docs/exit-codes.md.
Moving an agent to another server (-s -p -sp -c) is not part of this version.
)";

using enum ValueKind;

const std::vector<SwitchSpec> kSpecs = {{"e", {kPath}}, {"pwd", {kSecret}},        {"no-verify"},
                                        {"json"},       {"agent-folder", {kPath}}, {"help"}};

constexpr auto kTimeout = std::chrono::seconds(60);

std::filesystem::path FindFile(const std::string& name, const char* program) {
  std::error_code failed;
  const std::filesystem::path path(name);
  if (path.has_parent_path() || std::filesystem::exists(path, failed)) return path;
  const auto beside = std::filesystem::path(program).parent_path() / path;
  return std::filesystem::exists(beside, failed) ? beside : path;
}

// RenewRunning asks the running agent; kUnavailable if none runs.
Result<std::string> RenewRunning(const std::filesystem::path& folder,
                                 const crypto::Certificate& certificate, bool verify) {
  auto client = net::ControlClient::Connect(folder);
  if (!client) return std::unexpected(std::move(client).error());
  const boost::json::object request = {{"command", "renew"}, {"verify", verify}};
  net::ControlMessage message{boost::json::serialize(request), {}, {certificate.der()}};
  auto answer = client->Call(message, kTimeout);
  if (!answer) return std::unexpected(std::move(answer).error());
  return std::move(answer->json);
}

Exit Show(const boost::json::object& answer, Form form) {
  const std::string result = Text(answer, "result");
  const Exit exit = result == "verified"                 ? Exit::kOk
                    : result == "installed-not-verified" ? Exit::kNotVerified
                                                         : Exit::kOtherKey;
  if (form == Form::kJson) {
    PrintJson(answer);
    return exit;
  }
  PrintLine(result + ": " + Text(answer, "why"));
  if (exit == Exit::kOtherKey) {
    PrintLine(
        "Nothing was changed. Is this the certificate of the server that the agent reports "
        "to? -no-verify installs it all the same.");
  }
  PrintLine("The agent trusts:");
  PrintCertificate(answer.at("certificate").as_object(), "  ");
  return exit;
}

Exit Renew(const Switches& switches, const char* program, const RenewStopped& renew_stopped) {
  const Form form = switches.Has("json") ? Form::kJson : Form::kText;
  if (!switches.Has("e")) {
    return PrintError({Code::kUsage, "-e FILE is needed", "IpXfer -help"}, form);
  }
  if (switches.Has("pwd") && form == Form::kText) {
    PrintLine("note: no unload password is set; -pwd is ignored");
  }
  const auto certificate = agent::ReadCertificateFile(FindFile(switches.Value("e"), program));
  if (!certificate) return PrintError(certificate.error(), form);
  const auto folder = AgentFolderPath(switches.Value("agent-folder"));
  const bool verify = !switches.Has("no-verify");
  auto answer = RenewRunning(folder, *certificate, verify);
  if (!answer && answer.error().code == Code::kUnavailable) {
    if (const auto became = BecomeOwnerOf(folder); !became) return PrintError(became.error(), form);
    answer = renew_stopped(folder, *certificate, verify);
    // An agent that has just started has the folder now.
    if (!answer && answer.error().code == Code::kUnavailable) {
      if (auto started = RenewRunning(folder, *certificate, verify)) answer = std::move(started);
    }
  }
  if (!answer) return PrintError(answer.error(), form);
  boost::system::error_code failed;
  const auto value = boost::json::parse(*answer, failed);
  if (failed || !value.is_object()) {
    return PrintError({Code::kInternal, "the agent's answer is no JSON object", ""}, form);
  }
  if (const auto error = AnswerError(value.get_object())) return PrintError(*error, form);
  return Show(value.get_object(), form);
}

}  // namespace

int RunIpXfer(int argc, char** argv, const RenewStopped& renew_stopped) {
  auto args = TakeArguments(argc, argv, kSpecs);
  if (!args) return static_cast<int>(PrintError(args.error(), Form::kText));
  const Form form = FormOf(*args);
  const bool empty = args->empty();
  const auto switches = ParsePasted(*std::move(args), kSpecs);
  if (!switches) return static_cast<int>(PrintError(switches.error(), form));
  if (switches->Has("help") || empty) {
    Print(kHelp);
    return static_cast<int>(empty ? Exit::kUsage : Exit::kOk);
  }
  return static_cast<int>(Renew(*switches, argv[0], renew_stopped));
}

}  // namespace countersign::cli
