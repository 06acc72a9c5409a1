#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "base/secret.h"
#include "crypto/certificate.h"
#include "crypto/tls.h"
#include "server/identity_book.h"
#include "store/config.h"
#include "store/server_files.h"

namespace countersign::server {

// WebHost is the key and certificate with which the server speaks TLS (docs/tls.md). They have
// nothing to do with the server's certificate for agents: the server never signs TLS with a server
// key. One file, keys/web-host.pem (PEM: key, certificate, chain), holds them, so that both change
// in one step; certificates/Web Hosting/ shows the certificate. Not thread-safe.
class WebHost {
 public:
  // Open reads them; if there are none, a P-256 key and a self-signed certificate for the server's
  // host are made. kDamaged: what is there cannot be read (with the command that mends it).
  [[nodiscard]] static Result<WebHost> Open(const store::ServerFolder& folder,
                                            const store::ServerConfig& config, RandomSource& random,
                                            Instant now);

  [[nodiscard]] const crypto::TlsContext& context() const { return context_; }
  [[nodiscard]] const crypto::Certificate& certificate() const { return certificate_; }
  // keys are the digests that agents are told.
  [[nodiscard]] std::vector<Digest> keys() const { return {certificate_.key().digest()}; }
  // changes grows with every change: whoever uses context() looks whether it is still the one.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }
  [[nodiscard]] bool is_self_signed() const { return certificate_.IsSignedBy(certificate_.key()); }

  // Renew makes a new self-signed certificate for the key that there is, so that agents see no
  // other key. kRefused: the present one was issued by somebody else, who has to renew it.
  [[nodiscard]] Status Renew(const store::ServerConfig& config, RandomSource& random, Instant now);
  // RenewIfDue renews one that is self-signed for this server's host and ends within 30 days.
  // Returns whether it did. Agents look at the key, which stays: nobody else has to do anything.
  [[nodiscard]] Result<bool> RenewIfDue(const store::ServerConfig& config, RandomSource& random,
                                        Instant now);
  // Install takes a certificate with its chain (PEM, or one as DER) and the key (PEM). kMalformed,
  // kUsage (the key does not fit), kRefused (expired; or a key of `book`: a server key never signs
  // TLS). Nothing has changed then.
  [[nodiscard]] Status Install(ByteView certificates, const SecretBytes& key,
                               const IdentityBook& book, Instant now);

  // Warnings are what a person should do something about.
  struct Warning {
    std::string text;
    std::string next;
  };
  [[nodiscard]] std::vector<Warning> Warnings(const store::ServerConfig& config, Instant now) const;

 private:
  struct Parts {
    crypto::PrivateKey key;
    std::vector<Bytes> chain;
    crypto::Certificate certificate;
    crypto::TlsContext context;
  };
  WebHost(const store::ServerFolder& folder, Parts parts);
  [[nodiscard]] static Result<Parts> Fit(crypto::PrivateKey key, std::vector<Bytes> chain);
  [[nodiscard]] static Result<Parts> Read(const store::ServerFolder& folder);
  [[nodiscard]] static Result<Parts> Make(crypto::PrivateKey key, const store::ServerConfig& config,
                                          RandomSource& random, Instant now);
  // Store writes the parts durably; Take also uses them from then on.
  [[nodiscard]] static Status Store(const store::ServerFolder& folder, const Parts& parts);
  [[nodiscard]] Status Take(Parts parts);

  store::ServerFolder folder_;
  crypto::PrivateKey key_;
  crypto::Certificate certificate_;
  crypto::TlsContext context_;
  std::uint64_t changes_ = 0;
};

// HostOf is the name or address by which agents reach the server.
[[nodiscard]] std::string HostOf(const store::ServerConfig& config);

}  // namespace countersign::server
