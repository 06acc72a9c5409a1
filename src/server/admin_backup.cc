#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "server/admin.h"
#include "server/admin_request.h"
#include "server/backup_check.h"
#include "server/events.h"
#include "server/issuing_internal.h"
#include "server/present.h"

// The automatic backup: its password, whether it is any good, and how old.
namespace countersign::server {
namespace {

// A certificate of a backup, which need not be one of the registry.
boost::json::object BriefJson(const crypto::Certificate& certificate) {
  return {{"name", certificate.common_name()},
          {"serial", certificate.serial()},
          {"not_before", FormatUtc(certificate.not_before())},
          {"not_after", FormatUtc(certificate.not_after())},
          {"sha256", HexLower(certificate.thumbprint())},
          {"sha1", HexLower(crypto::Sha1(certificate.der()))},
          {"key", certificate.key().Description()}};
}

boost::json::object CheckJson(const BackupCheck& check) {
  boost::json::array server_ids;
  for (const auto& id : check.server_ids) server_ids.emplace_back(id.Text());
  boost::json::array not_served;
  for (const auto& id : check.not_served_ids) not_served.emplace_back(id.Text());
  boost::json::object json = {{"automatic", check.automatic},
                              {"sha256", HexLower(check.sha256)},
                              {"owner_key", check.owner_key},
                              {"server_ids", std::move(server_ids)},
                              {"certificates", check.num_certificates},
                              {"keys", check.num_keys},
                              {"admitted", check.num_admitted},
                              {"agents", check.num_agents},
                              {"serves", check.num_served},
                              {"not_served", check.num_agents - check.num_served},
                              {"not_served_ids", std::move(not_served)},
                              {"problems", TextsJson(check.problems)},
                              {"notes", TextsJson(check.notes)}};
  json["certificate"] = BriefJson(check.active);
  if (check.reserve) json["reserve"] = BriefJson(*check.reserve);
  if (check.written_at) json["written_at"] = FormatUtc(*check.written_at);
  return json;
}

}  // namespace

Admin::Answer Admin::ChangePassword(const AdminMessage& request, Instant now) {
  const auto old_password = Secret(request, 0);
  if (!old_password) return std::unexpected(old_password.error());
  const auto new_password = Secret(request, 1);
  if (!new_password) return std::unexpected(new_password.error());
  COUNTERSIGN_RETURN_IF_ERROR(
      ChangeBackupPassword(server_.world(), server_.config(), **old_password, **new_password, now));
  return AdminMessage();
}

Admin::Answer Admin::BackupStatus(const AdminMessage&, Instant now) {
  const auto age = AgeOfBackup(server_.world(), now);
  if (!age) return std::unexpected(age.error());
  AdminMessage answer;
  answer.json = {{"path", kBackupPath},
                 {"present", age->present},
                 {"size", age->size},
                 {"as_expected", age->as_expected},
                 {"older_than_newest", age->older_than_newest},
                 {"admitted_since", age->admitted_since}};
  if (age->present) answer.json["sha256"] = HexLower(age->sha256);
  if (age->written_at) answer.json["written_at"] = FormatUtc(*age->written_at);
  if (age->verified_at) {
    answer.json["verified_at"] = FormatUtc(*age->verified_at);
    answer.json["verified_ok"] = age->verified_ok;
  }
  if (age->drilled_at) answer.json["drilled_at"] = FormatUtc(*age->drilled_at);
  boost::json::array warnings;
  for (const auto& warning : age->warnings) {
    warnings.push_back(boost::json::object{{"text", warning.text}, {"next", warning.next}});
  }
  answer.json["warnings"] = std::move(warnings);
  return answer;
}

Admin::Answer Admin::BackupVerify(const AdminMessage& request, Instant now) {
  const auto password = Secret(request, 0);
  if (!password) return std::unexpected(password.error());
  const ByteView file = request.blobs.empty() ? ByteView() : ByteView(request.blobs.front());
  const auto check = request.blobs.empty() ? CheckAutomaticBackup(server_.world(), **password, now)
                                           : CheckBackup(server_.world(), file, **password, now);
  if (!check) return std::unexpected(check.error());
  if (!check->automatic) {
    COUNTERSIGN_RETURN_IF_ERROR(RecordEvent(
        server_.world(), {.id = 0,
                          .at = now,
                          .kind = "backup-verified",
                          .agent = {},
                          .text = "another file opens, SHA-256 " + HexLower(check->sha256)}));
  }
  AdminMessage answer;
  answer.json = CheckJson(*check);
  return answer;
}

Admin::Answer Admin::BackupFile(const AdminMessage&, Instant now) {
  auto file = ReadBackupFile(server_.world());
  if (!file) return std::unexpected(std::move(file).error());
  COUNTERSIGN_RETURN_IF_ERROR(
      RecordEvent(server_.world(), {.id = 0,
                                    .at = now,
                                    .kind = "backup-copied",
                                    .agent = {},
                                    .text = "the automatic backup, as it is, sealed"}));
  AdminMessage answer;
  answer.blobs.push_back(*std::move(file));
  return answer;
}

Admin::Answer Admin::BackupDrilled(const AdminMessage& request, Instant now) {
  const auto problems = TextsMember(request, "problems");
  if (!problems) return std::unexpected(problems.error());
  COUNTERSIGN_RETURN_IF_ERROR(RecordDrill(server_.world(), *problems, now));
  return AdminMessage();
}

}  // namespace countersign::server
