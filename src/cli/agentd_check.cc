#include <boost/json/array.hpp>
#include <utility>

#include "base/process.h"
#include "cli/agentd_commands.h"
#include "cli/folders.h"

namespace countersign::cli {
namespace {

using doctor::Diagnosis;

Exit ExitOf(doctor::Outcome outcome) {
  switch (outcome) {
    case doctor::Outcome::kWell:
      return Exit::kOk;
    case doctor::Outcome::kMismatch:
      return Exit::kMismatch;
    case doctor::Outcome::kOther:
      break;
  }
  return Exit::kOtherFault;
}

boost::json::object ToJson(const Diagnosis& diagnosis) {
  boost::json::array findings;
  for (const auto& finding : diagnosis.findings) {
    findings.push_back(boost::json::object{{"checkpoint", finding.checkpoint},
                                           {"verdict", doctor::VerdictWord(finding.verdict)},
                                           {"looked_at", finding.looked_at},
                                           {"cause", finding.cause},
                                           {"next", finding.next}});
  }
  return {{"ok", true},
          {"outcome", doctor::OutcomeWord(diagnosis.outcome)},
          {"summary", diagnosis.summary},
          {"findings", std::move(findings)}};
}

void PrintDiagnosis(const Diagnosis& diagnosis) {
  for (const auto& finding : diagnosis.findings) {
    PrintLine("[" + std::string(doctor::VerdictWord(finding.verdict)) + "] " + finding.checkpoint +
              ": " + finding.looked_at);
    if (!finding.cause.empty()) PrintLine("    likely cause: " + finding.cause);
    if (!finding.next.empty()) PrintLine("    next: " + finding.next);
  }
  PrintLine("Verdict: " + diagnosis.summary + ".");
}

}  // namespace

Exit CheckAgent(const std::filesystem::path& folder, const AgentdActions& actions, Form form) {
  // For good: nothing here needs root, and untrusted answers are read.
  const auto became = BecomeOwnerOf(folder);
  if (!became && became.error().code != Code::kNotFound) return PrintError(became.error(), form);
  doctor::AgentFacts facts = actions.probe(folder, true);
  facts.agentd = AgentdCommand(folder);
  const Diagnosis diagnosis = doctor::DiagnoseAgent(facts);
  if (form == Form::kJson) {
    PrintJson(ToJson(diagnosis));
  } else {
    PrintDiagnosis(diagnosis);
  }
  return ExitOf(diagnosis.outcome);
}

}  // namespace countersign::cli
