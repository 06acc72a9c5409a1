#include "doctor/agent_check.h"

#include <utility>

namespace countersign::doctor {
namespace {

constexpr Seconds kClockFault = Seconds(300);  // as the server counts one

constexpr std::string_view kMover = "IpXfer -e OfcNTCer.dat   (the file of the server, as root)";

// Case collects the findings and remembers the first that is bad.
class Case {
 public:
  explicit Case(const AgentFacts& facts) : facts_(facts) {}

  Diagnosis Judge() {
    if (!facts_.installed) {
      Bad("installation", facts_.folder + ": no agent is installed there",
          "the folder is another one, or the agent was never installed",
          Agentd("install --from PACKAGE"), Outcome::kOther);
      return Finish();
    }
    Files();
    if (facts_.held.sha256.empty()) return Finish();  // nothing can be judged without it
    Service();
    Held();
    Way();
    Clock();
    Exchange();
    return Finish();
  }

 private:
  void Add(std::string checkpoint, Verdict verdict, std::string looked_at, std::string cause = {},
           std::string next = {}) {
    diagnosis_.findings.push_back(
        {std::move(checkpoint), verdict, std::move(looked_at), std::move(cause), std::move(next)});
  }
  void Bad(std::string checkpoint, std::string looked_at, std::string cause, std::string next,
           Outcome outcome) {
    if (!is_bad_) {
      is_bad_ = true;
      diagnosis_.outcome = outcome;
      diagnosis_.summary = outcome == Outcome::kMismatch
                               ? "a certificate mismatch is the problem: " + cause
                               : "no certificate mismatch; what is wrong: " + cause;
    }
    Add(std::move(checkpoint), Verdict::kBad, std::move(looked_at), std::move(cause),
        std::move(next));
  }

  [[nodiscard]] std::string Agentd(std::string_view command) const {
    return facts_.agentd + ' ' + std::string(command);
  }

  Diagnosis Finish() {
    if (!is_bad_ && facts_.exchange.reach == Reach::kReached) {
      diagnosis_.outcome = Outcome::kWell;
      diagnosis_.summary = "all well: the server answered with the key that this agent trusts";
    } else if (!is_bad_) {
      diagnosis_.summary = "nothing wrong was found here, and the server could not be asked";
    }
    return std::move(diagnosis_);
  }

  void Files() {
    for (std::size_t i = 0; i < facts_.faults.size(); ++i) {
      Bad("files", facts_.faults[i], "a file of the agent is damaged, missing or unsafe",
          facts_.fault_commands[i], Outcome::kOther);
    }
    if (facts_.faults.empty()) Add("files", Verdict::kGood, facts_.folder + ": whole, and private");
    if (facts_.held.sha256.empty() || facts_.file_sha256 == facts_.held.sha256) return;
    Add("certificate-file", Verdict::kNote,
        facts_.file_sha256.empty()
            ? "OfcNTCer.dat in the agent's folder is missing or no certificate"
            : "OfcNTCer.dat in the agent's folder is " + facts_.file_sha256 +
                  ", and the agent trusts " + facts_.held.sha256,
        "somebody put a file there; it is an output and changes nothing",
        facts_.running ? "nothing: the running agent puts it back" : Agentd("start"));
  }

  void Service() {
    Add("service", facts_.running ? Verdict::kGood : Verdict::kNote,
        facts_.running ? "the agent is running" : "the agent is not running",
        facts_.running ? "" : "it was stopped, or did not start",
        facts_.running ? "" : Agentd("start"));
  }

  void Held() {
    const auto& held = facts_.held;
    const std::string what = held.name + ", serial " + held.serial + ", generation " +
                             std::to_string(held.generation) + ", SHA-256 " + held.sha256 +
                             ", valid from " + FormatUtc(held.not_before) + " until " +
                             FormatUtc(held.not_after);
    if (facts_.held_is_distrusted) {
      Bad("distrust", what + "; it, or its key, is in " + facts_.distrust_path,
          "the certificate that the agent holds is in its distrust list",
          "remove it from " + facts_.distrust_path + ", if the key is not stolen; otherwise " +
              std::string(kMover),
          Outcome::kOther);
    } else {
      Add("distrust", Verdict::kGood, "not in " + facts_.distrust_path);
    }
    if (facts_.now > held.not_after) {
      Add("held-certificate", Verdict::kNote, what,
          "by this machine's clock (" + FormatUtc(facts_.now) + ") it has expired",
          "the server's: CertificateManager -c PASSWORD; if the clock here is wrong, set it");
    } else if (facts_.now < held.not_before) {
      Add("held-certificate", Verdict::kNote, what,
          "by this machine's clock (" + FormatUtc(facts_.now) + ") it is not valid yet",
          "set the clock of this machine");
    } else {
      Add("held-certificate", Verdict::kGood, what);
    }
  }

  // Step adds one attempt; returns whether the next one makes sense.
  bool Step(const char* checkpoint, const Attempt& attempt, const char* cause, std::string next) {
    if (attempt.reach == Reach::kNotTried) return true;
    if (attempt.reach == Reach::kReached) {
      Add(checkpoint, Verdict::kGood, attempt.text);
      return true;
    }
    Bad(checkpoint, attempt.text, cause, std::move(next), Outcome::kOther);
    return false;
  }

  void Way() {
    const std::string server = facts_.server_host + ", port " + std::to_string(facts_.server_port);
    if (!Step("name", facts_.name, "the server's name does not resolve",
              "getent hosts " + facts_.server_host)) {
      return;
    }
    if (!Step("port", facts_.port,
              "nothing can be reached there: the server is down, the port is closed or another, or "
              "a firewall is between",
              "on the server: countersign status; the address is in " + facts_.folder +
                  "/agent.toml (" + server + ")")) {
      return;
    }
    if (!Step("tls", facts_.tls_handshake, "no TLS connection comes about",
              "on the server: countersign server web-certificate show")) {
      return;
    }
    Served();
  }

  void Served() {
    if (facts_.fetch.reach == Reach::kNotTried) return;
    if (!facts_.served) {
      Bad("server-certificate", facts_.fetch.text,
          "what answers there is no Countersign server, or it has no certificate",
          "on the server: countersign status; CertificateManager -c PASSWORD makes one",
          Outcome::kOther);
      return;
    }
    const auto& served = *facts_.served;
    const std::string what = "the server shows serial " + served.serial + ", generation " +
                             std::to_string(served.generation) + ", SHA-256 " + served.sha256 +
                             ", valid until " + FormatUtc(served.not_after);
    if (served.sha256 == facts_.held.sha256) {
      const bool ended = facts_.now > served.not_after;
      Add("server-certificate", ended ? Verdict::kNote : Verdict::kGood, what,
          ended ? "the server's certificate has expired" : "",
          ended ? "on the server: CertificateManager -c PASSWORD" : "");
      return;
    }
    // Whether that is a mismatch is for the exchange to say: a bundle may lead on.
    Add("server-certificate", Verdict::kNote, what + "; the agent holds " + facts_.held.sha256,
        "it is another one than the agent holds",
        served.generation > facts_.held.generation
            ? Agentd("update-now   (if it is the next one, the agent takes it over)")
            : Agentd("update-now"));
  }

  void Clock() {
    if (!facts_.exchange.server_time) return;
    const Seconds off = facts_.now - *facts_.exchange.server_time;
    const std::string what = "this machine: " + FormatUtc(facts_.now) +
                             ", the server: " + FormatUtc(*facts_.exchange.server_time);
    if (off <= kClockFault && off >= -kClockFault) {
      Add("clock", Verdict::kGood, what);
      return;
    }
    clock_is_off_ = true;
    Add("clock", Verdict::kNote, what,
        "the clocks differ by " + FormatDuration(off < Seconds(0) ? -off : off),
        "set the clock that is wrong (timedatectl)");
  }

  void Exchange() {
    const auto& exchange = facts_.exchange;
    if (exchange.reach == Reach::kNotTried) return;
    if (exchange.reach == Reach::kFailed) {
      NoReply(exchange);
      return;
    }
    if (!exchange.refused.empty()) {
      Refused(exchange);
      return;
    }
    if (exchange.expired) {
      Bad("exchange", "the server's reply is authentic; its certificate is past its end",
          clock_is_off_ ? "the clock of this machine is wrong" : "the server's certificate expired",
          clock_is_off_ ? "set the clock of this machine (timedatectl)"
                        : "on the server: CertificateManager -c PASSWORD",
          Outcome::kOther);
      return;
    }
    Add("exchange", Verdict::kGood,
        exchange.moves ? "the server's reply is authentic, with a newer certificate"
                       : "the server's reply is authentic: it has the key that the agent trusts",
        "", exchange.moves ? Agentd("update-now   (takes it over)") : "");
    if (exchange.accepted) {
      Add("admission", Verdict::kGood, "the server admits this agent");
    } else {
      Bad("admission", "the server does not say that it admits this agent",
          "the agent is not admitted: its token expired, was used up or revoked, it had none, or "
          "two machines run with its key",
          "on the server: countersign agents list, then countersign agents approve ID",
          Outcome::kOther);
    }
    if (facts_.running && !facts_.newest.empty()) {
      Add("newest-report", Verdict::kNote, facts_.newest,
          "the agent's own newest report did not succeed, and this one did", Agentd("update-now"));
    }
  }

  void NoReply(const ExchangeFacts& exchange) {
    if (exchange.local) {
      Bad("report", exchange.why,
          "this machine does not let the agent make a report: its disk is full, or its folder "
          "cannot be written; the server was not asked",
          exchange.next.empty() ? "df " + facts_.folder + "; ls -la " + facts_.folder
                                : exchange.next,
          Outcome::kOther);
      return;
    }
    if (exchange.status == 403) {
      Bad("exchange", "the server answers HTTP 403",
          "the server has forgotten this agent: its key is refused for ever",
          Agentd("uninstall, then ") + Agentd("install --from PACKAGE"), Outcome::kOther);
      return;
    }
    if (exchange.status == 429 || exchange.status == 503) {
      Bad("exchange", "the server answers HTTP " + std::to_string(exchange.status),
          "the server is busy, or takes no more new agents now",
          "again in a few minutes; on the server: countersign agents list --standing new",
          Outcome::kOther);
      return;
    }
    Bad("exchange", exchange.why, "the server gives no reply to a report",
        "on the server: countersign status", Outcome::kOther);
  }

  void Refused(const ExchangeFacts& exchange) {
    const std::string what = "the server's reply was refused: " + exchange.refused;
    if (exchange.refused == "distrusted") {
      Bad("exchange", what, "the server's certificate or key is in this agent's distrust list",
          "remove it from " + facts_.distrust_path + ", if the key is not stolen", Outcome::kOther);
      return;
    }
    if (exchange.refused == "malformed") {
      Bad("exchange", what, "what answers there is no Countersign server, or of another version",
          "on the server: countersign status", Outcome::kOther);
      return;
    }
    const std::string served =
        facts_.served ? facts_.served->sha256 : std::string("a certificate that it does not show");
    Bad("exchange", what + "; expected the key of " + facts_.held.sha256 + ", found " + served,
        "the server uses another certificate than this agent trusts, and none leads from one to "
        "the other: it was installed anew, or is another server, or holds a stale package's",
        std::string(kMover) + "; or " + Agentd("install --from a fresh PACKAGE"),
        Outcome::kMismatch);
  }

  const AgentFacts& facts_;
  Diagnosis diagnosis_;
  bool is_bad_ = false;
  bool clock_is_off_ = false;
};

}  // namespace

Diagnosis DiagnoseAgent(const AgentFacts& facts) { return Case(facts).Judge(); }

bool IsMismatch(std::string_view refused) {
  return refused != "distrusted" && refused != "malformed" && refused != "certificate-expired";
}

std::string_view VerdictWord(Verdict verdict) {
  switch (verdict) {
    case Verdict::kGood:
      return "good";
    case Verdict::kNote:
      return "note";
    case Verdict::kBad:
      return "bad";
    case Verdict::kUnknown:
      break;
  }
  return "unknown";
}

std::string_view OutcomeWord(Outcome outcome) {
  switch (outcome) {
    case Outcome::kWell:
      return "well";
    case Outcome::kMismatch:
      return "mismatch";
    case Outcome::kOther:
      break;
  }
  return "other";
}

}  // namespace countersign::doctor
