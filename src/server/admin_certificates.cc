#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "server/admin.h"
#include "server/admin_request.h"
#include "server/issuing.h"
#include "server/present.h"

// The server's own certificates: what CertificateManager does.
namespace countersign::server {

Admin::Answer Admin::ListCertificates(const AdminMessage&, Instant) {
  boost::json::array certificates;
  for (const auto& entry : server_.book().entries()) certificates.push_back(CertificateJson(entry));
  AdminMessage answer;
  answer.json["certificates"] = std::move(certificates);
  return answer;
}

Admin::Answer Admin::Changed(const Result<Issued>& issued, Instant now) {
  if (!issued) return std::unexpected(issued.error());
  COUNTERSIGN_RETURN_IF_ERROR(server_.Reload(now));
  const auto* const active = server_.book().FindServer(issued->certificate.thumbprint());
  if (active == nullptr) return Fail(Code::kInternal, "the new certificate is not in the registry");
  AdminMessage answer;
  answer.json["certificate"] = CertificateJson(*active);
  answer.json["owner_made"] = issued->owner_made;
  if (issued->unfinished) {
    answer.json["unfinished"] = issued->unfinished->message;
    answer.json["next"] = issued->unfinished->next;
  }
  if (issued->replaced) {
    const auto* const old = server_.book().FindServer(issued->replaced->thumbprint());
    if (old != nullptr) answer.json["replaced"] = CertificateJson(*old);
  }
  return answer;
}

Admin::Answer Admin::Replace(const AdminMessage& request, Instant now) {
  const auto password = Secret(request, 0);
  if (!password) return std::unexpected(password.error());
  const auto clock = FlagMember(request, "clock_is_right");
  if (!clock) return std::unexpected(clock.error());
  return Changed(ReplaceCertificate(server_.world(), server_.config(), **password,
                                    *clock ? ClockIsRight::kYes : ClockIsRight::kNo, now),
                 now);
}

Admin::Answer Admin::Import(const AdminMessage& request, Instant now) {
  const auto password = Secret(request, 0);
  if (!password) return std::unexpected(password.error());
  if (request.blobs.size() != 1) return Fail(Code::kUsage, "one file is needed");
  const auto exportable = FlagMember(request, "exportable");
  if (!exportable) return std::unexpected(exportable.error());
  const auto cut_off = FlagMember(request, "cut_off");
  if (!cut_off) return std::unexpected(cut_off.error());
  auto key = TextMember(request, "key", "");
  if (!key) return std::unexpected(std::move(key).error());
  const SecretBytes* const own = request.secrets.size() > 1 ? &request.secrets[1] : nullptr;
  const ImportOptions options{
      .exportable = *exportable ? keys::Exportable::kYes : keys::Exportable::kNo,
      .cut_off = *cut_off,
      .key = *std::move(key)};
  return Changed(ImportIdentity(server_.world(), server_.config(), request.blobs.front(),
                                **password, own, options, now),
                 now);
}

Admin::Answer Admin::Export(const AdminMessage&, Instant) {
  const auto* const active = server_.book().Active();
  if (active == nullptr) {
    return Fail(Code::kNotFound, "this server has no certificate to export",
                "CertificateManager -c PASSWORD");
  }
  AdminMessage answer;
  answer.json["certificate"] = CertificateJson(*active);
  answer.blobs.push_back(active->certificate.der());
  return answer;
}

Admin::Answer Admin::ChangePassword(const AdminMessage& request, Instant now) {
  const auto old_password = Secret(request, 0);
  if (!old_password) return std::unexpected(old_password.error());
  const auto new_password = Secret(request, 1);
  if (!new_password) return std::unexpected(new_password.error());
  COUNTERSIGN_RETURN_IF_ERROR(
      ChangeBackupPassword(server_.world(), **old_password, **new_password, now));
  return AdminMessage();
}

}  // namespace countersign::server
