#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "server/admin.h"
#include "server/admin_request.h"
#include "server/events.h"
#include "server/issuing.h"
#include "server/next_steps.h"
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
  answer.json["merged"] = issued->merged;
  answer.json["owner_key"] = issued->owner_key;
  answer.json["notes"] = TextsJson(issued->notes);
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
  const auto options = ReadReplaceOptions(request);
  if (!options) return std::unexpected(options.error());
  const auto here = FlagMember(request, "on_this_server");
  if (!here) return std::unexpected(here.error());
  if (options->compromised && !*here) return OnlyOffline();
  const auto password = Secret(request, 0);
  if (!password) return std::unexpected(password.error());
  auto answer = Changed(
      ReplaceCertificate(server_.world(), server_.config(), **password, *options, now), now);
  if (!answer || !options->compromised) return answer;
  return PushToAll(*std::move(answer), now);
}

Admin::Answer Admin::Import(const AdminMessage& request, Instant now) {
  const auto password = Secret(request, 0);
  if (!password) return std::unexpected(password.error());
  if (request.blobs.size() != 1) return Fail(Code::kUsage, "one file is needed");
  const auto exportable = FlagMember(request, "exportable");
  if (!exportable) return std::unexpected(exportable.error());
  const auto cut_off = FlagMember(request, "cut_off");
  if (!cut_off) return std::unexpected(cut_off.error());
  const auto restore = FlagMember(request, "restore");
  if (!restore) return std::unexpected(restore.error());
  auto key = TextMember(request, "key", "");
  if (!key) return std::unexpected(std::move(key).error());
  const ImportOptions options{
      .exportable = *exportable ? keys::Exportable::kYes : keys::Exportable::kNo,
      .cut_off = *cut_off,
      .restore = *restore,
      .backup_password = OptionalSecret(request, 1),
      .present_password = OptionalSecret(request, 2),
      .key = *std::move(key)};
  return Changed(ImportIdentity(server_.world(), server_.config(), request.blobs.front(),
                                **password, options, now),
                 now);
}

Admin::Answer Admin::Archive(const AdminMessage& request, Instant now) {
  const auto password = Secret(request, 0);
  if (!password) return std::unexpected(password.error());
  const auto with_owner = FlagMember(request, "with_owner");
  if (!with_owner) return std::unexpected(with_owner.error());
  const SecretBytes* const backup_password = OptionalSecret(request, 1);
  if (*with_owner && backup_password == nullptr) {
    return Fail(Code::kUsage,
                "the owner key is in the automatic backup, whose password is needed for it");
  }
  auto made = MakeArchive(server_.world(), server_.config(), **password,
                          *with_owner ? backup_password : nullptr, now);
  if (!made) return std::unexpected(std::move(made).error());
  AdminMessage answer;
  answer.json = {{"certificates", made->num_certificates},
                 {"keys", made->num_keys},
                 {"owner_key", made->owner_key},
                 {"missing", TextsJson(made->missing)}};
  answer.blobs.push_back(std::move(made->file));
  return answer;
}

Admin::Answer Admin::Export(const AdminMessage&, Instant now) {
  const auto* const active = server_.book().Active();
  if (active == nullptr) {
    return Fail(Code::kNotFound, "this server has no certificate to export",
                std::string(kReplaceCommand));
  }
  World& world = server_.world();
  COUNTERSIGN_RETURN_IF_ERROR(world.registry.Transact([&] {
    return RecordEvent(world, {.id = 0,
                               .at = now,
                               .kind = "certificate-exported",
                               .agent = {},
                               .text = active->certificate.serial() + ", without its private key"});
  }));
  AdminMessage answer;
  answer.json["certificate"] = CertificateJson(*active);
  answer.blobs.push_back(active->certificate.der());
  return answer;
}

}  // namespace countersign::server
