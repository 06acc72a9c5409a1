#include "cli/repair_kit.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <set>
#include <utility>

#include "base/encoding.h"
#include "base/files.h"
#include "base/ids.h"
#include "cli/mismatched.h"
#include "cli/output_file.h"
#include "cli/repair_files.h"
#include "crypto/hash.h"
#include "trust/rollout.h"

namespace countersign::cli {

namespace fs = std::filesystem;

namespace {

// Everything is beneath one folder: unzip does not scatter files over the one that it is called in.
constexpr std::string_view kRoot = "repair-kit/";
constexpr std::string_view kMoverPlace = "PCCSRV/Admin/Utility/IpXfer";

// Beside this program, as installed or upgraded last; then where the server keeps it for carrying.
std::vector<fs::path> MoverFolders(const fs::path& server, const fs::path& given) {
  if (!given.empty()) return {given};
  std::error_code failed;
  const fs::path self = fs::read_symlink("/proc/self/exe", failed);
  return {self.parent_path(), server / kMoverPlace};
}

std::string Plural(std::size_t count, const std::string& one) {
  return std::to_string(count) + " " + one + (count == 1 ? "" : "s");
}

std::string Filled(std::string_view text,
                   const std::vector<std::pair<std::string_view, std::string>>& words) {
  std::string out(text);
  for (const auto& [word, value] : words) {
    const std::size_t at = out.find(word);
    if (at != std::string::npos) out.replace(at, word.size(), value);
  }
  return out;
}

std::string Readme(std::string_view text, const RepairLists& lists, const Movers& movers,
                   const crypto::Certificate& certificate) {
  std::string notes;
  for (const auto& name : movers.missing) notes += "Missing: " + name + ", which was not found.\n";
  std::string admit;
  if (lists.num_not_admitted() > 0) {
    admit =
        "\n\nOf these agents the server has not admitted " +
        std::to_string(lists.num_not_admitted()) +
        ": they are \"new\" after the repair, and wait. Admit\nthose of not-admitted.txt that you "
        "know, before or after:\n\n    xargs countersign agents approve < not-admitted.txt";
  }
  return Filled(text, {{"@SERVER@", certificate.server_ids().empty()
                                        ? certificate.common_name()
                                        : certificate.server_ids().front().Urn()},
                       {"@SERIAL@", certificate.serial()},
                       {"@THUMBPRINT@", HexLower(certificate.thumbprint())},
                       {"@NOT_AFTER@", FormatUtc(certificate.not_after())},
                       {"@AGENTS@", std::to_string(lists.hosts().size())},
                       {"@LEFT_OUT@", std::to_string(lists.num_left_out())},
                       {"@NOTES@", notes},
                       {"@ADMIT@", admit}});
}

keys::ZipEntry TextFile(std::string_view name, std::string_view content) {
  const bool is_program = name.ends_with(".sh");
  return {.name = std::string(name),
          .content = ToBytes(AsBytes(content)),
          .mode = is_program ? keys::ZipMode::kProgram : keys::ZipMode::kPublic};
}

// For `sha256sum -c`.
std::string Sums(const std::vector<keys::ZipEntry>& entries) {
  std::string sums;
  for (const auto& entry : entries) {
    sums += HexLower(crypto::Sha256(entry.content)) + "  " + entry.name + "\n";
  }
  return sums;
}

void Sort(std::vector<keys::ZipEntry>& entries) {
  std::ranges::sort(entries, {}, &keys::ZipEntry::name);
}

Result<std::set<std::string>> WantedAgents(const std::vector<std::string>& texts) {
  std::set<std::string> wanted;
  for (const std::string& text : texts) {
    if (!AgentId::ParseText(text)) {
      return Fail(Code::kUsage, "\"" + text + "\" is no agent id", "countersign agents list");
    }
    wanted.insert(text);
  }
  return wanted;
}

// The rows that the command asks for.
Result<RepairLists> GatherLists(Session& session, const RepairKitCommand& command) {
  RepairLists lists(command.by, command.mismatched ? RepairWhom::kMendable : RepairWhom::kChosen);
  auto wanted = WantedAgents(command.agents);
  if (!wanted) return std::unexpected(std::move(wanted).error());
  const auto standings = command.mismatched ? MismatchedStandings() : command.standings;
  bool too_many = false;
  const auto listed = ForEachAgent(session, standings, [&](const auto& agent) {
    if (!command.agents.empty() && wanted->erase(Text(agent, "agent")) == 0) return;
    if (!command.domain.empty() && !trust::IsInDomain(Text(agent, "domain"), command.domain)) {
      return;
    }
    too_many = too_many || lists.hosts().size() >= kMaxKitAgents;
    if (!too_many) lists.Take(agent);
  });
  if (!listed) return std::unexpected(listed.error());
  if (too_many) {
    return Fail(Code::kExhausted, "a kit is for at most 1000000 agents",
                "countersign agents repair-kit --domain DOMAIN, one kit for each");
  }
  if (!wanted->empty()) {
    return Fail(Code::kNotFound, "agent " + *wanted->begin() + " is not among those asked for",
                "countersign agents show " + *wanted->begin());
  }
  return lists;
}

Result<crypto::Certificate> ServerCertificate(Session& session) {
  server::AdminMessage request;
  request.json = {{"command", "export"}};
  const auto answer = session.Call(std::move(request));
  if (!answer) return std::unexpected(answer.error());
  return crypto::Certificate::Parse(answer->blobs.at(0));
}

void PrintKit(const RepairKitCommand& command, const RepairLists& lists,
              const std::vector<std::string>& missing, const crypto::Certificate& certificate) {
  PrintLine("The repair kit for " + Plural(lists.hosts().size(), "agent") + " is in " +
            command.file.string() + ", with certificate " + certificate.serial() + ".");
  if (lists.num_left_out() > 0) {
    PrintLine(Plural(lists.num_left_out(), "agent") +
              " left out; left-out.csv in the kit says why.");
  }
  for (const auto& name : missing) PrintLine("missing: " + name);
  if (lists.num_not_admitted() > 0) {
    PrintLine(Plural(lists.num_not_admitted(), "agent") +
              " of the kit not admitted: after the repair, countersign agents approve "
              "(not-admitted.txt in the kit).");
  }
  PrintLine("next: unzip it; repair-kit/README.txt says how to go on.");
}

}  // namespace

Result<Movers> FindMovers(const std::vector<fs::path>& folders) {
  Movers movers;
  for (const std::string name : {"IpXfer", "IpXfer_x64"}) {
    const auto found = std::ranges::find_if(folders, [&](const fs::path& folder) {
      std::error_code failed;
      return fs::is_regular_file(folder / name, failed);
    });
    if (found == folders.end()) {
      movers.missing.push_back(name);
      continue;
    }
    auto content = ReadFile(*found / name, kMaxMoverLen);
    if (!content) return std::unexpected(std::move(content).error());
    movers.programs.push_back(
        {.name = name, .content = *std::move(content), .mode = keys::ZipMode::kProgram});
  }
  if (!movers.programs.empty()) return movers;
  std::string places;
  for (const auto& folder : folders) places += (places.empty() ? "" : " or ") + folder.string();
  return Fail(Code::kNotFound, "the mover (IpXfer, IpXfer_x64) is not in " + places,
              "--mover FOLDER names the folder that has it");
}

std::vector<keys::ZipEntry> RepairKitEntries(const RepairLists& lists, Movers movers,
                                             const crypto::Certificate& certificate) {
  std::vector<keys::ZipEntry> entries;
  for (const RepairFile& file : RepairFiles()) {
    entries.push_back(TextFile(file.name, file.name == "README.txt"
                                              ? Readme(file.content, lists, movers, certificate)
                                              : std::string(file.content)));
  }
  for (auto& program : movers.programs) entries.push_back(std::move(program));
  entries.push_back(
      {.name = "OfcNTCer.dat", .content = certificate.der(), .mode = keys::ZipMode::kPublic});
  entries.push_back(TextFile("agents.csv", lists.agents_csv()));
  entries.push_back(TextFile("ansible/inventory.yml", lists.InventoryYaml()));
  entries.push_back(TextFile("hosts.txt", lists.HostsTxt()));
  entries.push_back(TextFile("left-out.csv", lists.left_out_csv()));
  entries.push_back(TextFile("nodes.txt", lists.NodesTxt()));
  entries.push_back(TextFile("not-admitted.txt", lists.not_admitted()));
  Sort(entries);
  entries.push_back(TextFile("SHA256SUMS", Sums(entries)));
  Sort(entries);
  for (auto& entry : entries) entry.name.insert(0, kRoot);
  return entries;
}

Exit MakeRepairKit(Session& session, const RepairKitCommand& command, Form form) {
  const auto fine = CheckOutput(command.file, Existing::kReplace);
  if (!fine) return PrintError(fine.error(), form);
  auto movers = FindMovers(MoverFolders(session.folder(), command.mover_folder));
  if (!movers) return PrintError(movers.error(), form);
  const auto missing = movers->missing;
  const auto lists = GatherLists(session, command);
  if (!lists) return PrintError(lists.error(), form);
  const auto certificate = ServerCertificate(session);
  if (!certificate) return PrintError(certificate.error(), form);
  const auto kit =
      keys::WriteZip(RepairKitEntries(*lists, *std::move(movers), *certificate), std::nullopt);
  if (!kit) return PrintError(kit.error(), form);
  const auto written = WriteOutput(command.file, *kit, FileMode::kPublic, Existing::kReplace);
  if (!written) return PrintError(written.error(), form);
  if (form == Form::kText) {
    PrintKit(command, *lists, missing, *certificate);
    return Exit::kOk;
  }
  boost::json::array names;
  for (const auto& name : missing) names.emplace_back(name);
  PrintJson({{"ok", true},
             {"file", command.file.string()},
             {"agents", lists->hosts().size()},
             {"left_out", lists->num_left_out()},
             {"not_admitted", lists->num_not_admitted()},
             {"missing", std::move(names)},
             {"serial", certificate->serial()},
             {"sha256", HexLower(certificate->thumbprint())}});
  return Exit::kOk;
}

}  // namespace countersign::cli
