#include "server/web_host.h"

#include <system_error>
#include <utility>

#include "base/encoding.h"
#include "base/files.h"
#include "base/process.h"
#include "crypto/pem.h"
#include "crypto/tls_certificate.h"

namespace countersign::server {
namespace {

namespace fs = std::filesystem;

constexpr auto kValidFor = std::chrono::hours(24 * 1'095);
constexpr auto kBackDated = std::chrono::hours(24);
constexpr auto kWarnAhead = std::chrono::hours(24 * 30);
constexpr std::size_t kMaxCommonNameLen = 64;
constexpr const char* kRenew = "countersign server web-certificate renew";
constexpr const char* kInstall =
    "countersign server web-certificate install --cert FILE --key FILE";

// WriteStore makes "Web Hosting" show just this certificate. It is an output: a failure is mended
// at the next start.
void WriteStore(const store::ServerFolder& folder, const crypto::Certificate& certificate) {
  const fs::path store = folder.WebHostingPath();
  const std::string name = HexLower(certificate.thumbprint()) + ".cer";
  std::error_code failed;
  if (!MakePrivateFolder(store)) return;
  RemoveLeftovers(store);
  if (!fs::exists(store / name, failed) &&
      !WriteFileAtomically(store / name, certificate.der(), FileMode::kPublic)) {
    return;
  }
  for (fs::directory_iterator at(store, failed); !failed && at != fs::directory_iterator();
       at.increment(failed)) {
    if (at->path().filename() != name) static_cast<void>(RemoveDurably(at->path()));
  }
}

}  // namespace

std::string HostOf(const store::ServerConfig& config) {
  return config.public_host.empty() ? HostName() : config.public_host;
}

WebHost::WebHost(const store::ServerFolder& folder, Parts parts)
    : folder_(folder),
      key_(std::move(parts.key)),
      certificate_(std::move(parts.certificate)),
      context_(std::move(parts.context)) {}

Result<WebHost::Parts> WebHost::Fit(crypto::PrivateKey key, std::vector<Bytes> chain) {
  auto certificate = crypto::Certificate::Parse(chain.front());
  if (!certificate) return WithContext("the web host's certificate", certificate.error());
  auto context = crypto::TlsContext::ForServer(key, chain);
  if (!context) return std::unexpected(std::move(context).error());
  return Parts{std::move(key), std::move(chain), *std::move(certificate), *std::move(context)};
}

Result<WebHost::Parts> WebHost::Read(const store::ServerFolder& folder) {
  const fs::path path = folder.WebHostKeyPath();
  auto file = ReadFile(path, crypto::kMaxPemLen);
  if (!file) return std::unexpected(std::move(file).error());
  const SecretBytes text{ByteView(*file)};
  Wipe(*file);
  COUNTERSIGN_RETURN_IF_ERROR(CheckPrivate(path));
  const auto damaged = [&](const Error& why) {
    return Fail(Code::kDamaged,
                path.string() + " does not hold the web host's key and certificate: " + why.message,
                "mv '" + path.string() + "' '" + path.string() +
                    ".damaged' and start the server anew: it makes others");
  };
  auto key = crypto::ParsePemKey(text);
  if (!key) return damaged(key.error());
  auto chain = crypto::ParsePemCertificates(text.text());
  if (!chain) return damaged(chain.error());
  auto parts = Fit(*std::move(key), *std::move(chain));
  if (!parts) return damaged(parts.error());
  return parts;
}

Result<WebHost::Parts> WebHost::Make(crypto::PrivateKey key, const store::ServerConfig& config,
                                     RandomSource& random, Instant now) {
  const std::string host = HostOf(config);
  crypto::TlsCertificateRequest request;
  request.common_name = host.size() <= kMaxCommonNameLen ? host : "Countersign web host";
  request.hosts = {host};
  request.not_before = now - kBackDated;
  request.not_after = now + kValidFor;
  request.serial_random = random.Array<16>();
  const auto certificate = crypto::MakeTlsCertificate(request, key);
  if (!certificate) return std::unexpected(certificate.error());
  return Fit(std::move(key), {certificate->der()});
}

Status WebHost::Store(const store::ServerFolder& folder, const Parts& parts) {
  const auto text = crypto::FormatPem(parts.key, parts.chain, KeyExportToken());
  if (!text) return std::unexpected(text.error());
  COUNTERSIGN_RETURN_IF_ERROR(
      WriteFileAtomically(folder.WebHostKeyPath(), text->view(), FileMode::kPrivate));
  WriteStore(folder, parts.certificate);
  return {};
}

Status WebHost::Take(Parts parts) {
  COUNTERSIGN_RETURN_IF_ERROR(Store(folder_, parts));
  key_ = std::move(parts.key);
  certificate_ = std::move(parts.certificate);
  context_ = std::move(parts.context);
  ++changes_;
  return {};
}

Result<WebHost> WebHost::Open(const store::ServerFolder& folder, const store::ServerConfig& config,
                              RandomSource& random, Instant now) {
  auto parts = Read(folder);
  if (parts) {
    WriteStore(folder, parts->certificate);
    return WebHost(folder, *std::move(parts));
  }
  if (parts.error().code != Code::kNotFound) return std::unexpected(std::move(parts).error());
  auto key = crypto::PrivateKey::Generate(crypto::KeyKind::kP256);
  if (!key) return std::unexpected(std::move(key).error());
  parts = Make(*std::move(key), config, random, now);
  if (!parts) return std::unexpected(std::move(parts).error());
  COUNTERSIGN_RETURN_IF_ERROR(Store(folder, *parts));
  return WebHost(folder, *std::move(parts));
}

Status WebHost::Renew(const store::ServerConfig& config, RandomSource& random, Instant now) {
  if (!is_self_signed()) {
    return Fail(Code::kRefused,
                "the web host's certificate was issued by \"" + certificate_.issuer() +
                    "\", who has to renew it",
                kInstall);
  }
  auto parts = Make(key_, config, random, now);
  if (!parts) return std::unexpected(std::move(parts).error());
  return Take(*std::move(parts));
}

Result<bool> WebHost::RenewIfDue(const store::ServerConfig& config, RandomSource& random,
                                 Instant now) {
  const bool is_due = certificate_.not_after() - now < kWarnAhead && is_self_signed() &&
                      crypto::NamesHost(certificate_, HostOf(config));
  if (!is_due) return false;
  COUNTERSIGN_RETURN_IF_ERROR(Renew(config, random, now));
  return true;
}

Status WebHost::Install(ByteView certificates, const SecretBytes& key, const IdentityBook& book,
                        Instant now) {
  std::vector<Bytes> chain;
  if (AsText(certificates).find("-----BEGIN") != std::string_view::npos) {
    auto parsed = crypto::ParsePemCertificates(AsText(certificates));
    if (!parsed) return std::unexpected(std::move(parsed).error());
    chain = *std::move(parsed);
  } else {
    chain.push_back(ToBytes(certificates));
  }
  auto own = crypto::ParsePemKey(key);
  if (!own) return std::unexpected(std::move(own).error());
  for (const auto& entry : book.entries()) {
    if (entry.certificate.key() == own->public_key()) {
      return Fail(Code::kRefused,
                  "this key is one of the server's certificates for agents: with such a key the "
                  "server signs orders, and never TLS",
                  "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 … makes another");
    }
  }
  auto parts = Fit(*std::move(own), std::move(chain));
  if (!parts) return std::unexpected(std::move(parts).error());
  if (parts->certificate.not_after() <= now) {
    return Fail(Code::kRefused,
                "the certificate expired at " + FormatUtc(parts->certificate.not_after()), "");
  }
  return Take(*std::move(parts));
}

std::vector<WebHost::Warning> WebHost::Warnings(const store::ServerConfig& config,
                                                Instant now) const {
  std::vector<Warning> warnings;
  const std::string next = is_self_signed() ? kRenew : kInstall;
  if (certificate_.not_after() <= now) {
    warnings.push_back(
        {"The web host's certificate expired at " + FormatUtc(certificate_.not_after()) + ".",
         next});
  } else if (certificate_.not_after() - now < kWarnAhead) {
    warnings.push_back(
        {"The web host's certificate expires at " + FormatUtc(certificate_.not_after()) + ".",
         next});
  } else if (certificate_.not_before() > now) {
    warnings.push_back({"The web host's certificate is not valid before " +
                            FormatUtc(certificate_.not_before()) + ".",
                        next});
  }
  if (!crypto::NamesHost(certificate_, HostOf(config))) {
    warnings.push_back({"The web host's certificate does not name this server's host, \"" +
                            HostOf(config) + "\". (Agents look at its key only.)",
                        next});
  }
  return warnings;
}

}  // namespace countersign::server
