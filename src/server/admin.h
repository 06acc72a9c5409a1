#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "base/time.h"
#include "base/user.h"
#include "server/server.h"

namespace countersign::server {

class WebHost;

// AdminMessage is one request of an administrator's program, or its answer: a JSON object, and
// beside it, never inside it, secrets and octets. It is the same whether it comes over the control
// socket of a running server or is handled in the process of a command on a stopped one.
struct AdminMessage {
  boost::json::object json;
  std::vector<SecretBytes> secrets;
  std::vector<Bytes> blobs;
};

// Admin carries out what administrators ask for. A request is {"command": NAME, "from":
// {"terminal", "login"}, …}; an answer has "ok": true, or "ok": false with "code", "message" and
// "next" as an Error has them. What changes something, gives something out or tries a password is
// an event, done or refused (docs/events.md); what only shows is none.
// Commands (members beside command and from; → members of the answer):
//   status                                  → certificate, reserve, counts, warnings, …
//   certificates                            → certificates
//   replace  (clock_is_right)  secret: backup password
//                                           → certificate, replaced, owner_made, unfinished
//            (compromised, on_this_server)  → and exposed, exposed_agents, exposed_until, pushed
//   owner                                   → owner, name, self_signed, server_ids, earlier,
//                                             agents_of_earlier
//   owner-create (clock_is_right)  secrets: backup password; a new one or empty
//                                           → as replace, and owner, agents_of_earlier
//   owner-request  (clock_is_right, compromised) → blob: the request, and what it says
//   owner-install  blob: the owner's answer → as replace
//   import   (exportable, cut_off, restore, key) blob: file, secrets: its password; for the new
//            automatic backup or empty; of the present one or empty
//                                           → as replace, and merged, owner_key, notes
//   archive  (with_owner) secrets: its password; that of the automatic backup
//                                           → blob: ZIP, certificates, keys, owner_key, missing
//   export                                  → blob: OfcNTCer.dat
//   backup-password  secrets: old, new
//   backup-status                           → path, present, written_at, verified_at, warnings, …
//   backup-verify  secret: password; blob: another file than the automatic backup
//                                           → certificate, owner_key, serves, problems, …
//   backup-file                             → blob: the automatic backup as it is, sealed
//   backup-drilled  (problems)              records a drill that the caller did
//   agents   (standings, after, limit)      → agents, next_after
//   agent    (agent)                        → details, orders
//   approve, forget  (agents)               → changed
//   package  (domain, host, uses, days)     → made_at; blobs: OfcNTCer.dat, package.toml
//            (until: Unix seconds, instead of days; without_token; note)
//   tokens   (after, limit)                 → tokens, next_after
//   token-revoke (tokens: ids)              → revoked
//   merge    (agents: the new row, the earlier one) → changed
//   order    (agents or all, act, args, expires_seconds) → orders [{order, agent}]
//   orders   (orders: ids)                  → orders
//   unload-set  (agents, domain or all; none: the password is taken away)
//            secret: the verifier (argon2id), never the password
//                                           → set, covered, asked, no_private_way, left_out;
//                                             goes_on: these are of the first agents, the rest is
//                                             asked later
//   unload-show (after, limit)              → agents, next_after; with the last page: wishes
//   rollout-plan   (canary_share, domains, class, after, limit) → fleet, canary, names, next_after
//   rollout-start  (canary_share, domains, rate, halt_at, soak_seconds, from_reserve,
//                  clock_is_right) secret: backup password, unless from_reserve
//                                           → as replace (the pending certificate), and rollout
//   rollout-status                          → rollout (if one is under way), earlier, kept
//   rollout-pause; rollout-resume (halt_at, rate) → rollout
//   rollout-finish, rollout-abort (accept)  → done, fleet, names, rollout
//   rollout-rollback (clock_is_right) secret: backup password → as replace
//   move-plan   (agents, domain or all, after, limit) → server, counts (once), names, next_after
//   move-start  (agents, domain or all, target, rate, halt_at) secret: backup password; or blobs:
//               warrants                    → move, left_out, warrants
//   move-status (names: a state, after)     → move, earlier, expected, names, next_after
//   move-resume (halt_at, rate), move-abort → move
//   move-expect (agents, from_server, days, addresses) → target, expected
//   rollout-proof (agent)                   → generation, serial, kind, at, message, jwk, …;
//                                             blob: the certificate, if the server knows it
//   events   (after, limit)                 → events
//   history  (after)                        → lines
//   history-verify                          → lines, unsigned, first, head, problem
//   web-certificate                         → certificate, key, made_here, names_host, warnings
//   web-certificate-renew                   → as web-certificate
//   web-certificate-install  secret: key (PEM), blob: certificate and chain (PEM or DER)
//                                           → as web-certificate
// Not thread-safe; `server` must outlive it.
class Admin {
 public:
  explicit Admin(Server& server) : server_(server) {}
  // Handle never fails: errors are answers. Slow (about a second) where a password is used. `user`
  // is whom the operating system says the caller is.
  [[nodiscard]] AdminMessage Handle(const AdminMessage& request, const User& user, Instant now);
  // set_web_host gives the commands on it something to work on; it must outlive this object.
  void set_web_host(WebHost& web_host) { web_host_ = &web_host; }

 private:
  using Answer = Result<AdminMessage>;
  [[nodiscard]] Answer Dispatch(const AdminMessage& request, Instant now);
  void RecordRefusal(std::string_view command, const Error& error, Instant now);
  [[nodiscard]] Answer ShowStatus(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer ListCertificates(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer Replace(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer Import(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer Export(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer ShowOwner(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer CreateOwner(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer AskOwner(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer InstallOwner(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer Archive(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer ChangePassword(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer BackupStatus(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer BackupVerify(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer BackupFile(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer BackupDrilled(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer ListAgents(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer ShowAgent(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer Approve(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer Forget(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer MakePackage(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer ListTokens(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer RevokeTokens(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer MergeAgents(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer SendOrder(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer ShowOrders(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer SetUnload(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer ShowUnload(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer PlanRollout(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer StartRollout(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer RolloutStatus(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer PauseRollout(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer ResumeRollout(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer FinishRollout(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer AbortRollout(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer RollBack(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer PlanMove(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer StartMove(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer MoveStatus(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer NameMoving(AdminMessage answer, const AdminMessage& request,
                                  const store::MoveRow& move);
  [[nodiscard]] Answer ResumeMove(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer AbortMove(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer ExpectAgents(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer ShowProof(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer ListEvents(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer ShowHistory(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer VerifyHistory(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer ShowWebCertificate(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer RenewWebCertificate(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer InstallWebCertificate(const AdminMessage& request, Instant now);
  [[nodiscard]] Answer WebCertificateChanged(std::string_view kind, Instant now);

  [[nodiscard]] Result<AdminMessage> Changed(const Result<struct Issued>& issued, Instant now);
  [[nodiscard]] Answer WithRollout(Answer answer, Instant now);
  [[nodiscard]] static Answer OnlyOffline();
  [[nodiscard]] Answer PushToAll(AdminMessage answer, Instant now);
  [[nodiscard]] Status ForEachExposed(const std::function<void(const store::AgentRow&)>& take);
  // NewToken is the enrolment token that a package asks for; nothing if it wants none.
  [[nodiscard]] Result<std::optional<store::TokenRow>> NewToken(const AdminMessage& request,
                                                                std::string_view domain,
                                                                Instant now);
  // ChangeAgents applies `change` to the rows of request.agents, all or none.
  [[nodiscard]] Answer ChangeAgents(const AdminMessage& request,
                                    const std::function<Status(store::AgentRow&)>& change,
                                    std::string_view event, Instant now);

  Server& server_;
  WebHost* web_host_ = nullptr;
};

}  // namespace countersign::server
