#include "cli/unload_commands.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "agent/unload_lock.h"
#include "base/files.h"
#include "cli/progress.h"
#include "crypto/argon2.h"
#include "crypto/hash.h"
#include "wire/warrant.h"

namespace countersign::cli {
namespace {

constexpr std::size_t kShort = 12;  // octets: with fewer, a verifier that leaks is soon solved

server::AdminMessage RequestOf(std::string_view name, const UnloadCommand& command) {
  boost::json::array agents;
  for (const std::string& id : command.agents) agents.emplace_back(id);
  server::AdminMessage request;
  request.json = {{"command", name},
                  {"agents", std::move(agents)},
                  {"domain", command.domain},
                  {"all", command.all}};
  return request;
}

Exit Send(Session& session, server::AdminMessage request, std::string_view done, Form form) {
  const auto answer = session.Call(std::move(request));
  if (!answer) return PrintError(answer.error(), form);
  if (form == Form::kJson) {
    PrintJson(answer->json);
    return Exit::kOk;
  }
  PrintLine(std::string(done) + " for agents: " + Text(answer->json, "covered") +
            ", and for those of the same scope that join later.");
  PrintLine("It goes to each over TLS only, and counts there when the agent has answered:");
  PrintLine("  countersign agents unload-password show");
  const std::string none = Text(answer->json, "no_private_way");
  if (none != "0") {
    PrintLine("Agents without TLS, which do not get it this way: " + none +
              ". They take it from a new package, or from the local administrator:");
    PrintLine("  countersign-agentd unload-password set");
  }
  return Exit::kOk;
}

Status CheckNew(const SecretBytes& password) {
  using agent::UnloadLock;
  if (password.size() >= UnloadLock::kMinPasswordLen &&
      password.size() <= UnloadLock::kMaxPasswordLen) {
    return {};
  }
  return Fail(Code::kUsage, "an unload password has 5 to 1,024 octets");
}

void PrintAgents(const boost::json::array& agents) {
  for (const auto& value : agents) {
    const auto& agent = value.as_object();
    PrintLine("  " + Text(agent, "agent") + "  " + (Flag(agent, "set") ? "set  " : "none ") +
              Text(agent, "state") + "  " + Text(agent, "host") + "  " + Text(agent, "domain"));
  }
}

}  // namespace

PasswordSource UnloadPassword() {
  return {.what = "unload password", .environment = "COUNTERSIGN_UNLOAD_PASSWORD"};
}

PasswordSource NewUnloadPassword() {
  return {.what = "new unload password",
          .environment = "COUNTERSIGN_NEW_UNLOAD_PASSWORD",
          .option = "--new-password-file"};
}

Result<SecretBytes> MakeUnloadVerifier(const PasswordSource& source) {
  const auto password = GetPassword(source, Prompt::kTwice);
  if (!password) return std::unexpected(password.error());
  COUNTERSIGN_RETURN_IF_ERROR(CheckNew(*password));
  if (password->size() < kShort) {
    PrintToError(
        "note: it is short. Agents lock it after wrong tries, but whoever gets hold of a package "
        "or a registry can try as fast as he can compute.");
  }
  crypto::SystemRandom random;
  auto verifier = crypto::MakeVerifier(*password, {}, random);
  if (!verifier) return std::unexpected(std::move(verifier).error());
  return SecretBytes::OwnText(*verifier);
}

Exit SetUnload(Session& session, const UnloadCommand& command, Form form) {
  auto verifier = MakeUnloadVerifier(command.password);
  if (!verifier) return PrintError(verifier.error(), form);
  auto request = RequestOf("unload-set", command);
  request.secrets.push_back(*std::move(verifier));
  return Send(session, std::move(request), "The unload password is set", form);
}

Exit ClearUnload(Session& session, const UnloadCommand& command, Form form) {
  return Send(session, RequestOf("unload-set", command), "No unload password shall be set any more",
              form);
}

Exit ShowUnload(Session& session, Form form) {
  boost::json::object all;
  boost::json::array agents;
  std::string after;
  do {
    server::AdminMessage request;
    request.json = {{"command", "unload-show"}, {"after", after}};
    auto answer = session.Call(std::move(request));
    if (!answer) return PrintError(answer.error(), form);
    after = Text(answer->json, "next_after");
    for (auto& agent : answer->json.at("agents").as_array()) agents.push_back(std::move(agent));
    all = std::move(answer->json);
  } while (!after.empty());
  all.erase("next_after");
  all["agents"] = std::move(agents);
  if (form == Form::kJson) {
    PrintJson(all);
    return Exit::kOk;
  }
  const auto& wishes = all.at("wishes").as_array();
  if (wishes.empty()) PrintLine("Nothing was said about unload passwords at this server.");
  for (const auto& value : wishes) {
    const auto& wish = value.as_object();
    PrintLine(Text(wish, "scope") + ": " + (Flag(wish, "set") ? "set" : "none") + ", since " +
              Text(wish, "since") + " by " + Text(wish, "by"));
  }
  PrintAgents(all.at("agents").as_array());
  return Exit::kOk;
}

Exit UnloadExit(const Error& error) {
  if (error.code == Code::kWrongPassword) return Exit::kUnloadPassword;
  if (error.code == Code::kExhausted) return Exit::kUnloadLocked;
  if (error.code == Code::kRefused) return Exit::kBadWarrant;
  return ExitFor(error.code);
}

Exit PrintUnloadError(const Error& error, Form form) {
  (void)PrintError(error, form);
  return UnloadExit(error);
}

Result<std::string> ReadWarrantFile(const std::filesystem::path& file) {
  const auto content = ReadFile(file, wire::kMaxWarrantLen + 16);
  if (!content) return WithContext("warrant", content.error());
  return std::string(AsText(*content));
}

}  // namespace countersign::cli
