#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

// The documented check on the endpoint: is a certificate mismatch the problem, or what else looks
// the same? Pure: facts go in, findings come out (docs/agent.md).
namespace countersign::doctor {

// CertificateFacts is one certificate, as people compare it.
struct CertificateFacts {
  std::string name;
  std::string serial;
  std::string sha256;  // thumbprint, lower-case hex
  std::uint64_t generation = 0;
  Instant not_before;
  Instant not_after;
};

// Reach is how far an attempt came.
enum class Reach { kNotTried, kFailed, kReached };
struct Attempt {
  Reach reach = Reach::kNotTried;
  std::string text;  // what was reached, or why not
};

// ExchangeFacts is a report to the server and its reply, judged against the trust held.
struct ExchangeFacts {
  Reach reach = Reach::kNotTried;
  std::string why;        // not reached, or why there is no reply
  bool local = false;     // nobody was asked: this machine did not let the agent make a report
  std::string next;       // local: what mends it, or empty
  int status = 0;         // of HTTP; 0: none came
  std::string refused;    // verdict on the reply; empty: it is authentic
  bool expired = false;   // authentic, but past its end by this clock
  bool accepted = false;  // the server admits this agent
  bool moves = false;     // a newer certificate came with it, which the agent will take over
  std::optional<Instant> server_time;  // unauthenticated, of the answer
};

struct AgentFacts {
  bool installed = false;
  std::string folder;
  std::string agentd = "countersign-agentd";  // the program for this folder, as it is typed
  std::vector<std::string> faults;            // damaged or unsafe files, each with what is wrong
  std::vector<std::string> fault_commands;    // what mends them, one for each
  bool running = false;
  std::string server_host;
  std::uint16_t server_port = 0;
  bool tls = false;
  CertificateFacts held;
  std::string file_sha256;  // of OfcNTCer.dat in the folder; empty: none, or no certificate
  bool held_is_distrusted = false;
  std::string distrust_path;
  Instant now;
  Attempt name;  // resolved
  Attempt port;  // connected
  Attempt tls_handshake;
  Attempt fetch;                           // GET /countersign/v1/certificate
  std::optional<CertificateFacts> served;  // what it brought; unauthenticated
  ExchangeFacts exchange;
  std::string newest;  // running: what came of its newest own report; empty: verified
};

enum class Verdict { kGood, kNote, kBad, kUnknown };
struct Finding {
  std::string checkpoint;  // stable word
  Verdict verdict = Verdict::kUnknown;
  std::string looked_at;  // with the values
  std::string cause = {};
  std::string next = {};  // command
};

enum class Outcome { kWell, kMismatch, kOther };
struct Diagnosis {
  std::vector<Finding> findings;
  Outcome outcome = Outcome::kOther;
  std::string summary;
};

// DiagnoseAgent judges. Where several things are wrong, the summary is about the first in this
// order: not installed, files, distrust, name, port, TLS, forgotten, mismatch, clock, not admitted.
[[nodiscard]] Diagnosis DiagnoseAgent(const AgentFacts& facts);

// IsMismatch: a reply that was refused with this verdict is of another certificate than the agent
// trusts. It is not where the certificate is the right one and has ended, by this clock or by the
// server's, or where it is distrusted here; nor is what no server of ours says.
[[nodiscard]] bool IsMismatch(std::string_view refused);

// Stable words: "good", "note", "bad", "unknown"; "well", "mismatch", "other".
[[nodiscard]] std::string_view VerdictWord(Verdict verdict);
[[nodiscard]] std::string_view OutcomeWord(Outcome outcome);

}  // namespace countersign::doctor
