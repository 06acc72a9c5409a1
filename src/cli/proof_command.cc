#include "cli/proof_command.h"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "base/files.h"
#include "cli/shell_word.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kMessageFile[] = "proof.jws";
constexpr char kKeyFile[] = "agent.jwk";
constexpr char kCertificateFile[] = "certificate.cer";

// The beginning of each P-256 SubjectPublicKeyInfo, up to the coordinates.
constexpr char kSpkiPrefix[] = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE";

// Without line ends: jose takes one in a compact JWS for a part of the signature.
Status WriteFolder(const server::AdminMessage& proof, const fs::path& place) {
  auto folder = NewFolder::Begin(place);
  if (!folder) return std::unexpected(std::move(folder).error());
  const auto write = [&](const char* name, ByteView content) {
    return WriteFileAtomically(folder->path() / name, content, FileMode::kPublic);
  };
  const std::string jwk = boost::json::serialize(proof.json.at("jwk"));
  COUNTERSIGN_RETURN_IF_ERROR(write(kMessageFile, AsBytes(Text(proof.json, "message"))));
  COUNTERSIGN_RETURN_IF_ERROR(write(kKeyFile, AsBytes(jwk)));
  if (!proof.blobs.empty()) {
    COUNTERSIGN_RETURN_IF_ERROR(write(kCertificateFile, proof.blobs.front()));
  }
  return folder->PutInPlace();
}

void PrintProof(const boost::json::object& proof) {
  const std::string serial = Text(proof, "serial");
  PrintLine("agent:       " + Text(proof, "agent"));
  PrintLine("host:        " + Text(proof, "host"));
  PrintLine("generation:  " + Text(proof, "generation"));
  PrintLine("serial:      " + (serial.empty() ? "not known to this server" : serial));
  PrintLine("thumbprint:  " + Text(proof, "sha256") + " (SHA-256)");
  PrintLine("proved:      " + Text(proof, "at") + ", by a " + Text(proof, "kind"));
  if (const std::string now = Text(proof, "generation_held"); now != Text(proof, "generation")) {
    PrintLine("holds now:   generation " + now + ", by its newest message");
  }
  PrintLine("");
  PrintLine("The " + Text(proof, "kind") + ", as the agent signed it (JWS):");
  PrintLine(Text(proof, "message"));
  PrintLine("");
  PrintLine("The agent's public key (JWK):");
  PrintLine(boost::json::serialize(proof.at("jwk")));
}

// The commands stand alone on their lines, indented: whatever is indented can be pasted.
void PrintCheck(const server::AdminMessage& proof, const std::vector<std::string>& before) {
  PrintLine("");
  PrintLine("To check it, on any machine with the jose command line (Debian package jose):");
  for (const auto& line : before) PrintLine("  " + line);
  PrintLine("  jose jws ver -i " + std::string(kMessageFile) + " -k " + kKeyFile +
            " -O- && echo && echo valid");
  PrintLine(
      "The signature is the agent's only if it ends with \"valid\". The message has to say "
      "\"iss\":\"urn:uuid:" +
      Text(proof.json, "agent") + "\", and in \"held\" \"x5t#S256\":\"" + Text(proof.json, "x5t") +
      "\", the SHA-256 of the certificate" + (proof.blobs.empty() ? "." : ":"));
  if (!proof.blobs.empty()) {
    PrintLine("  openssl dgst -sha256 -binary " + std::string(kCertificateFile) +
              " | jose b64 enc -I- && echo");
  }
  PrintLine(
      "The key is the agent's only if its id is the first 32 digits of this, but for the 13th, an "
      "8, "
      "and the 17th, one of 8, 9, a and b:");
  const std::string coordinate = "jose fmt -j " + std::string(kKeyFile) + " -g ";
  const std::string decoded = " -u- | jose b64 dec -i-; ";
  PrintLine("  { echo " + std::string(kSpkiPrefix) + " | base64 -d; " + coordinate + "x" + decoded +
            coordinate + "y" + decoded + "} | sha256sum");
}

// WithFolder is the command that makes the folder which the others look into.
std::string WithFolder(const Session& session, const std::string& agent, const fs::path& folder) {
  const bool is_usual = DataFolder("") == session.folder();
  return "countersign " + (is_usual ? "" : "--data " + ShellWord(session.folder().string()) + " ") +
         "rollout proof --agent " + agent + " -o " + ShellWord(folder.string());
}

}  // namespace

Exit ShowProof(Session& session, const ProofCommand& command, Form form) {
  if (command.output == "-" && form == Form::kJson) {
    return PrintError({Code::kUsage, "-o - prints the message alone, and --json one object",
                       "countersign rollout proof --help"},
                      form);
  }
  server::AdminMessage request;
  request.json = {{"command", "rollout-proof"}, {"agent", command.agent}};
  auto proof = session.Call(std::move(request));
  if (!proof) return PrintError(proof.error(), form);
  if (command.output == "-") {
    const auto printed = PrintRaw(Text(proof->json, "message"));
    return printed ? Exit::kOk : PrintError(printed.error(), form);
  }
  const auto agent = Text(proof->json, "agent");
  const fs::path folder = command.output.empty() ? "proof-" + agent : command.output;
  std::vector<std::string> before;
  if (!command.output.empty()) {
    const auto written = WriteFolder(*proof, folder);
    if (!written) return PrintError(written.error(), form);
    proof->json["folder"] = folder.string();
  } else {
    before.push_back(WithFolder(session, agent, folder));
  }
  before.push_back("cd " + ShellWord(folder.string()));
  if (form == Form::kJson) {
    PrintJson(proof->json);
    return Exit::kOk;
  }
  PrintProof(proof->json);
  PrintCheck(*proof, before);
  return Exit::kOk;
}

}  // namespace countersign::cli
