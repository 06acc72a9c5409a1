#include "cli/ip_xfer_request.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "agent/installation.h"
#include "base/encoding.h"
#include "cli/amounts.h"
#include "cli/folders.h"
#include "net/address.h"

namespace countersign::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kHelp =
    R"(IpXfer: move the agent on this machine to a server, or renew its trust

  IpXfer -s server.example.com -p 8080 -sp 4343 -c 12345 -e OfcNTCer.dat -pwd secret
  IpXfer -s 192.0.2.10 -p 8080 -sp 4343 -c 12345 -e "/root/IpXfer/OfcNTCer.dat"
  IpXfer -s 2001:db8::10 -p 8080 -sp 4343 -e OfcNTCer.dat -d eu/paris -m 1
  IpXfer -e OfcNTCer.dat

  -s SERVER             the server's name or address. If it is the agent's present server, the agent
                        is repaired where it is: trust, address and ports; nothing is signed off
  -p PORT               its port for HTTP (8080)
  -sp PORT              its port for HTTPS (4343)
  -c PORT               the port on which the agent is to listen (as before)
  -e FILE               the server's public certificate; a name is looked for in the folder that
                        you are in, then beside this program. Alone, it renews the trust
  -d DOMAIN             the agent's domain (as before)
  -m 1|0                1: HTTP, 0: HTTPS (as before)
  -pwd PASSWORD         the unload password, where one is set ("-": standard input); before version
                        XG it was a second -p: IpXfer -s SERVER -p PORT -c PORT -p PASSWORD
  -pwd-file FILE        its first line is the unload password; or COUNTERSIGN_UNLOAD_PASSWORD in the
                        environment; otherwise it is asked for where it is needed
  -warrant FILE         the owner's warrant that passes the unload password
                        (countersign owner warrant)

  -thumbprint DIGITS    instead of -e: the certificate that the server shows is taken if this is its
                        SHA-256, 64 digits (countersign cert show)
  -trust-on-first-use   instead of -e: whatever certificate it shows is taken
  -dry-run              say what would happen, and try the way there; nothing is changed
  -wait                 until the new server has proof of the agent
  -timeout TIME         how long, as 90s or 5min (60s)
  -no-verify            with -e alone: install it although a server answers with another key
  -agent-folder FOLDER  the agent's folder (else COUNTERSIGN_AGENT_FOLDER,
                        /var/lib/countersign-agent)
  -json                 one line of JSON as output

The server has to prove that it has the key of the certificate before anything is changed: on any
failure before that the agent stays with its present server, which is told last. Switches in any
letter case. Exit codes: 0 done; 30 installed, but the server could not be asked; 31 another key;
32 nobody answers there; 33 not taken there; 34 moved, and nothing seen of it within the time;
35 not the administrator; 36 another thumbprint; 37 this machine does not let it happen; 2 usage,
3 not found, 13 no certificate; all of them: docs/exit-codes.md.
)";

using enum ValueKind;

const std::vector<SwitchSpec> kSpecs = {{"s", {kText}},
                                        {"p", {kText}, "pwd"},
                                        {"sp", {kText}},
                                        {"c", {kText}},
                                        {"e", {kPath}},
                                        {"d", {kText}},
                                        {"m", {kText}},
                                        {"pwd", {kSecret}},
                                        {"pwd-file", {kPath}},
                                        {"warrant", {kPath}},
                                        {"thumbprint", {kText}},
                                        {"trust-on-first-use"},
                                        {"dry-run"},
                                        {"wait"},
                                        {"timeout", {kText}},
                                        {"no-verify"},
                                        {"agent-folder", {kPath}},
                                        {"json"},
                                        {"help"}};

// Which make no sense without -s.
constexpr std::array<std::string_view, 9> kOfMoves = {
    "p", "sp", "c", "d", "m", "thumbprint", "trust-on-first-use", "dry-run", "wait"};

constexpr std::size_t kThumbprintDigits = 64;
constexpr std::size_t kMaxDomainLen = 255;

fs::path FindFile(const std::string& name, const char* program) {
  std::error_code failed;
  const fs::path path(name);
  if (path.has_parent_path() || fs::exists(path, failed)) return path;
  const auto beside = fs::path(program).parent_path() / path;
  return fs::exists(beside, failed) ? beside : path;
}

// The value of -p may be a password in the wrong place: it is not repeated.
Result<std::int64_t> ReadPort(const Switches& switches, std::string_view name,
                              std::int64_t standard) {
  if (!switches.Has(name)) return standard;
  const std::string text = switches.Value(name);
  std::int64_t port = 0;
  const auto* const end = text.data() + text.size();
  const auto [stopped, failed] = std::from_chars(text.data(), end, port);
  if (failed != std::errc() || stopped != end || port < 1 || port > 65'535) {
    return Fail(
        Code::kUsage,
        "-" + std::string(name) + " takes a port, from 1 to 65535" +
            (name == "p" ? "; where -p is also the unload password, the port comes first" : ""));
  }
  return port;
}

Result<std::string> ReadHost(const Switches& switches) {
  std::string host = switches.Value("s");
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  // An IPv6 address, perhaps with a zone; any other colon is a port, or http://.
  const bool has_port =
      host.find(':') != std::string::npos && !net::IpAddress::Parse(host.substr(0, host.find('%')));
  if (host.empty() || has_port || host.size() > 255 ||
      host.find_first_of(" /\\\t") != std::string::npos || !IsPrintableUtf8(host)) {
    return Fail(Code::kUsage,
                "-s takes the name or the address of a server, without http:// and without a port");
  }
  return host;
}

Status ReadMode(const Switches& switches, boost::json::object& request) {
  if (!switches.Has("m")) return {};
  const std::string mode = switches.Value("m");
  if (mode != "0" && mode != "1") return Fail(Code::kUsage, "-m takes 1 (HTTP) or 0 (HTTPS)");
  request["tls"] = mode == "0";
  return {};
}

// People compare thumbprints in the forms that viewers show: with colons or spaces, in either case.
Result<std::string> ReadThumbprint(std::string text) {
  std::erase_if(text, [](char c) { return c == ':' || c == ' '; });
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'F' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  const bool is_hex = text.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (is_hex && text.size() == kThumbprintDigits) return text;
  if (is_hex && text.size() < kThumbprintDigits) {
    return Fail(Code::kUsage,
                "-thumbprint takes all 64 digits of a SHA-256; " + std::to_string(text.size()) +
                    " are " + (text.size() == 40 ? "a SHA-1, which is not safe" : "too few"),
                "countersign cert show (on the server) prints it");
  }
  return Fail(Code::kUsage, "-thumbprint takes the 64 hexadecimal digits of a SHA-256",
              "countersign cert show (on the server) prints it");
}

Status ReadTrust(const Switches& switches, const char* program, MoverCall& call) {
  const int ways = static_cast<int>(switches.Has("e")) +
                   static_cast<int>(switches.Has("thumbprint")) +
                   static_cast<int>(switches.Has("trust-on-first-use"));
  if (ways > 1) {
    return Fail(Code::kUsage, "-e, -thumbprint and -trust-on-first-use are three ways to the same");
  }
  if (ways == 0) {
    return Fail(Code::kUsage, "-e FILE is needed",
                "IpXfer … -e OfcNTCer.dat (PCCSRV/Pccnt/Common/OfcNTCer.dat of that server); "
                "without the file: -thumbprint DIGITS, or -trust-on-first-use");
  }
  if (switches.Has("thumbprint")) {
    auto digits = ReadThumbprint(switches.Value("thumbprint"));
    if (!digits) return std::unexpected(std::move(digits).error());
    call.request["thumbprint"] = *std::move(digits);
  }
  if (switches.Has("trust-on-first-use")) call.request["first_use"] = true;
  if (!switches.Has("e")) return {};
  auto certificate = agent::ReadCertificateFile(FindFile(switches.Value("e"), program));
  if (!certificate) {
    return std::unexpected(
        OrNext(std::move(certificate).error(),
               "the file is PCCSRV/Pccnt/Common/OfcNTCer.dat of that server; CertificateManager -e "
               "FILE (on the server) makes a copy"));
  }
  call.certificate = *std::move(certificate);
  return {};
}

Status ReadMove(const Switches& switches, MoverCall& call) {
  if (switches.Has("no-verify")) {
    return Fail(Code::kUsage, "-no-verify is for -e alone: nobody is moved without proof");
  }
  auto host = ReadHost(switches);
  const auto http = ReadPort(switches, "p", 8080);
  const auto https = ReadPort(switches, "sp", 4343);
  const auto listen = ReadPort(switches, "c", 0);
  if (!host) return std::unexpected(std::move(host).error());
  if (!http) return std::unexpected(http.error());
  if (!https) return std::unexpected(https.error());
  if (!listen) return std::unexpected(listen.error());
  call.request["host"] = *std::move(host);
  call.request["http_port"] = *http;
  call.request["https_port"] = *https;
  if (switches.Has("c")) call.request["listen_port"] = *listen;
  if (switches.Has("d")) {
    const std::string domain = switches.Value("d");
    if (domain.size() > kMaxDomainLen || !IsPrintableUtf8(domain)) {
      return Fail(Code::kUsage, "-d takes a domain: printable text of at most 255 octets");
    }
    call.request["domain"] = domain;
  }
  if (switches.Has("dry-run")) call.request["dry_run"] = true;
  call.waits = switches.Has("wait");
  if (call.waits) call.request["wait"] = call.timeout.count();
  return ReadMode(switches, call.request);
}

}  // namespace

const std::vector<SwitchSpec>& MoverSwitches() { return kSpecs; }

std::string_view MoverHelp() { return kHelp; }

Error ExplainForms(Error error) {
  if (error.code != Code::kUsage) return error;
  const std::string forms =
      "IpXfer -s SERVER -p PORT -sp HTTPS_PORT -c AGENT_PORT -e OfcNTCer.dat -pwd PASSWORD "
      "(before version XG: -p PASSWORD in the place of -pwd), or IpXfer -e OfcNTCer.dat; "
      "IpXfer -help";
  error.next = error.next.empty() || error.next == "-help shows the switches"
                   ? forms
                   : error.next + "; " + forms;
  return error;
}

Result<MoverCall> ReadMoverCall(const Switches& switches, const char* program) {
  MoverCall call;
  call.moves = switches.Has("s");
  if (!call.moves) {
    const auto* const odd =
        std::ranges::find_if(kOfMoves, [&](std::string_view name) { return switches.Has(name); });
    if (odd != kOfMoves.end()) {
      return Fail(Code::kUsage, "-" + std::string(*odd) + " is for the full form: -s is missing");
    }
  }
  if (switches.Has("timeout")) {
    const auto timeout = ParseDuration(switches.Value("timeout"));
    if (!timeout) return std::unexpected(timeout.error());
    if (*timeout < Seconds(1) || *timeout > std::chrono::hours(1)) {
      return Fail(Code::kUsage, "-timeout takes one second to one hour");
    }
    call.timeout = *timeout;
  }
  call.request["command"] = call.moves ? "move" : "renew";
  if (!call.moves) call.request["verify"] = !switches.Has("no-verify");
  if (call.moves) COUNTERSIGN_RETURN_IF_ERROR(ReadMove(switches, call));
  COUNTERSIGN_RETURN_IF_ERROR(ReadTrust(switches, program, call));
  return call;
}

}  // namespace countersign::cli
