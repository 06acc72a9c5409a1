#include <initializer_list>

#include "base/encoding.h"
#include "store/config.h"

namespace countersign::store {
namespace {

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string QuotedList(const std::vector<std::string>& words) {
  std::string out = "[";
  for (const std::string& word : words) out += (out.size() > 1 ? ", " : "") + Quoted(word);
  return out + "]";
}

// Entry is one key with its explanation; the last line of the explanation is unit and default.
struct Entry {
  std::string_view about;
  std::string_view unit;
  std::string standard;  // the default
  std::string_view key;
  std::string value;
};

std::string FormatEntry(const Entry& entry) {
  std::string out = "\n# " + std::string(entry.about) + "\n# Unit: " + std::string(entry.unit) +
                    ". Default: " + entry.standard + ".\n";
  return out + std::string(entry.key) + " = " + entry.value + "\n";
}

std::string FormatEntries(std::initializer_list<Entry> entries) {
  std::string out;
  for (const Entry& entry : entries) out += FormatEntry(entry);
  return out;
}

std::string_view LongPollWord(LongPoll poll) {
  switch (poll) {
    case LongPoll::kOff:
      return "off";
    case LongPoll::kAll:
      return "all";
    case LongPoll::kUnreachable:
      break;
  }
  return "unreachable";
}

template <class T>
std::string Number(T value) {
  return std::to_string(value);
}

std::string_view Truth(bool value) { return value ? "true" : "false"; }

std::string DigestList(const std::vector<Digest>& digests) {
  std::vector<std::string> words;
  for (const Digest& digest : digests) words.push_back(Base64UrlEncode(digest));
  return QuotedList(words);
}

// `config`: an AgentConfig or a PackageConfig.
template <class Config>
std::string FormatServerPlace(const Config& config) {
  const PackageConfig defaults;
  return FormatEntries({
      {"The server that this agent belongs to.", "host name or address", "none, required",
       "server_host", Quoted(config.server_host)},
      {"The server's port for HTTP.", "port, 1 to 65535", Number(defaults.http_port), "http_port",
       Number(config.http_port)},
      {"The server's port for HTTPS.", "port, 1 to 65535", Number(defaults.https_port),
       "https_port", Number(config.https_port)},
      {"Whether the agent listens with TLS, and reports over HTTPS.",
       "true, or false for neither; there is no falling back by itself",
       std::string(Truth(defaults.tls)), "tls", std::string(Truth(config.tls))},
      {"Digests of the web host's keys; newer ones come with the server's replies.",
       "SHA-256 of each key as base64url, at most 4", "[]", "web_keys",
       DigestList(config.web_keys)},
  });
}

std::string FormatDomain(const std::string& domain) {
  return FormatEntry({"The group of the agent in lists and rollouts.", "text, at most 255 octets",
                      "\"\"", "domain", Quoted(domain)});
}

std::string FormatUnload(const std::string& verifier) {
  if (verifier.empty()) return {};
  return FormatEntry({"What the agent checks its unload password by (docs/unload-password.md).",
                      "$argon2id$v=19$m=…,t=…,p=…$salt$hash; \"\" is no unload password", "\"\"",
                      "unload_verifier", Quoted(verifier)});
}

std::string FormatEnrol(const std::optional<wire::EnrolToken>& enrol) {
  if (!enrol) return {};
  return "\n# The token by which the server admits the agent by itself; without it, a person has "
         "to.\n[enrol]\n" +
         FormatEntries(
             {{"Which token of the server this is.", "1 to 64 letters, digits, - and _",
               "none, required", "token", Quoted(enrol->id)},
              {"Its secret: whoever knows it can have agents admitted.", "32 octets, base64url",
               "none, required", "secret", Quoted(Base64UrlEncode(enrol->secret))}});
}

}  // namespace

std::string FormatServerConfig(const ServerConfig& config) {
  const ServerConfig defaults;
  return "# Configuration of a Countersign server (docs/configuration.md). Unknown keys are "
         "refused.\n" +
         FormatEntries({
             {"The address on which the server listens for agents.", "IPv4 or IPv6 address",
              Quoted(defaults.listen), "listen", Quoted(config.listen)},
             {"Whether agents are served over HTTP without TLS.", "true or false",
              std::string(Truth(defaults.http)), "http", std::string(Truth(config.http))},
             {"The port for HTTP.", "port, 1 to 65535", Number(defaults.http_port), "http_port",
              Number(config.http_port)},
             {"Whether agents are served over HTTPS.", "true or false; one of the two must be",
              std::string(Truth(defaults.https)), "https", std::string(Truth(config.https))},
             {"The port for HTTPS.", "port, 1 to 65535", Number(defaults.https_port), "https_port",
              Number(config.https_port)},
             {"How agents reach this server; written into installation packages.",
              "host name or address; \"\" is the name of this host", "\"\"", "public_host",
              Quoted(config.public_host)},
             {"The subject common name of new server certificates.", "text, 1 to 64 octets",
              Quoted(defaults.common_name), "common_name", Quoted(config.common_name)},
             {"How long a new server certificate is valid.", "days, 1 to 36500",
              Number(defaults.certificate_days), "certificate_days",
              Number(config.certificate_days)},
             {"Whether CertificateManager -b may export private keys.",
              "\"allowed\" or \"forbidden\"", "\"forbidden\"", "export",
              config.export_allowed ? "\"allowed\"" : "\"forbidden\""},
             {"On a server that shares its identity with another: the server that issues the "
              "certificates. This one issues none.",
              "host name or address; \"\" is a server that issues its own", "\"\"", "follower_of",
              Quoted(config.follower_of)},
             {"Where the server calls agents beside the address that a report came from.",
              "networks in CIDR notation, at most 256", "[]", "call_networks",
              QuotedList(config.call_networks)},
             {"How often agents report; each adds some jitter.", "seconds, 60 to 86400",
              Number(defaults.report_interval.count()), "report_interval",
              Number(config.report_interval.count())},
             {"Where no agent is called: by the source of its reports, or by all addresses that it "
              "names.",
              "networks in CIDR notation, at most 256", "[]", "unreachable_networks",
              QuotedList(config.unreachable_networks)},
             {"How often agents report that cannot be called.", "seconds, 60 to 86400",
              Number(defaults.unreachable_interval.count()), "unreachable_interval",
              Number(config.unreachable_interval.count())},
             {"An agent is offline when it has missed as many reports.", "reports, 2 to 100",
              Number(defaults.offline_after), "offline_after", Number(config.offline_after)},
             {"Who is asked to wait for the answer to its report until there is an order for it.",
              "\"off\", \"unreachable\" or \"all\"", Quoted(LongPollWord(defaults.long_poll)),
              "long_poll", Quoted(LongPollWord(config.long_poll))},
             {"How long it waits; then it reports anew.", "seconds, 10 to 240",
              Number(defaults.long_poll_seconds.count()), "long_poll_seconds",
              Number(config.long_poll_seconds.count())},
             {"How many agents may wait at once. Beyond it they report at their interval.",
              "agents, 0 to 100000", Number(defaults.max_waiting), "max_waiting",
              Number(config.max_waiting)},
             {"How many of them from one source (IPv4 address, IPv6 /64): a NAT is one.",
              "agents, 0 to 100000", Number(defaults.max_waiting_per_source),
              "max_waiting_per_source", Number(config.max_waiting_per_source)},
             {"How many agents may wait for admission. Those with a token are not counted.",
              "agents, 0 to 1000000", Number(defaults.max_unadmitted), "max_unadmitted",
              Number(config.max_unadmitted)},
             {"How many such agents are taken from one source.", "agents a minute, 0 to 1000000",
              Number(defaults.max_unadmitted_per_minute), "max_unadmitted_per_minute",
              Number(config.max_unadmitted_per_minute)},
         });
}

std::string FormatAgentConfig(const AgentConfig& config) {
  const AgentConfig defaults;
  return "# Configuration of a Countersign agent (docs/configuration.md). Unknown keys are "
         "refused.\n" +
         FormatServerPlace(config) +
         FormatEntries({
             {"The address on which the agent listens; unless it is any, its own calls come from "
              "it too.",
              "IPv4 or IPv6 address", Quoted(defaults.listen), "listen", Quoted(config.listen)},
             {"The port on which the agent listens.", "port, 1 to 65535", "none, required",
              "listen_port", Number(config.listen_port)},
         }) +
         FormatDomain(config.domain) + FormatEnrol(config.enrol);
}

std::string FormatPackageConfig(const PackageConfig& config) {
  return "# Installation package of a Countersign agent (docs/configuration.md). Unknown keys are "
         "refused.\n" +
         FormatServerPlace(config) + FormatDomain(config.domain) +
         FormatUnload(config.unload_verifier) + FormatEnrol(config.enrol);
}

}  // namespace countersign::store
