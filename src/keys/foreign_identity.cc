#include "keys/foreign_identity.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "crypto/hash.h"

namespace countersign::keys {
namespace {

using crypto::Certificate;
using crypto::PrivateKey;
using RejectedKey = crypto::Pkcs12Contents::RejectedKey;

constexpr std::size_t kMinWantedLen = 8;
constexpr std::size_t kMaxNameLen = 80;  // of what a file says, in a message
constexpr std::size_t kMaxListed = 10;

constexpr char kJoin[] = "openssl pkcs12 -export -inkey KEY.pem -in CERTIFICATE.pem -out NEW.p12";
// The key goes through a variable of the shell and pipes, never into a file. bash, zsh.
constexpr char kCertifyAnew[] =
    R"(pem=$(openssl pkcs12 -in OLD.p12 -nocerts -noenc) && openssl req -x509 -sha256 -days 1095 )"
    R"(-subj '/CN=OfficeScan Server NTSG' -key <(echo "$pem") -out NEW.pem && )"
    R"(openssl pkcs12 -export -inkey <(echo "$pem") -in NEW.pem -out NEW.p12; unset pem)";
constexpr char kAllowed[] = "EC P-256, EC P-384 and RSA of 2048 to 4096 bits are allowed";

// Candidate is one key of the file with its certificates. Everything is borrowed.
struct Candidate {
  Digest digest{};
  const PrivateKey* key = nullptr;  // or, if it is not allowed:
  const RejectedKey* rejected = nullptr;
  std::string_view name;
  std::vector<const Certificate*> certificates = {};
  std::vector<const RejectedCertificate*> rejected_certificates = {};
};

std::string Printable(std::string_view name) {
  if (IsPrintableUtf8(name) && name.size() <= kMaxNameLen) return "'" + std::string(name) + "'";
  return "(unprintable)";
}

std::string Describe(const Certificate& certificate) {
  return certificate.serial() + " (" + certificate.subject() + ")";
}

std::string Describe(const RejectedCertificate& certificate) {
  return certificate.summary.serial + " (" + certificate.summary.subject + ", " +
         certificate.summary.key + ", signed with " + certificate.summary.signature + ")";
}

// All certificates of the file, with the keys they are for.
std::string DescribeCertificates(const BackupContents& contents) {
  std::vector<std::string> texts;
  for (const auto& one : contents.certificates) {
    texts.push_back(Describe(one) + " for the key " + HexLower(one.key().digest()));
  }
  for (const auto& one : contents.rejected_certificates) {
    texts.push_back(Describe(one) + " for the key " + HexLower(one.summary.key_digest));
  }
  std::string text;
  for (std::size_t i = 0; i < std::min(texts.size(), kMaxListed); ++i) {
    text += (i == 0 ? "" : ", ") + texts[i];
  }
  if (texts.size() > kMaxListed) text += " and more";
  return texts.empty() ? "none" : text;
}

std::string KindOf(const Candidate& candidate) {
  return candidate.key != nullptr ? candidate.key->public_key().Description()
                                  : candidate.rejected->kind;
}

// "RSA 2048 'name', certificate SHA-256 AB12... (CN=x)".
std::string Describe(const Candidate& candidate) {
  std::string text = KindOf(candidate);
  if (!candidate.name.empty()) text += " " + Printable(candidate.name);
  if (!candidate.certificates.empty()) {
    const Certificate& one = *candidate.certificates.front();
    return text + ", certificate SHA-256 " + HexLower(one.thumbprint()) + " (" + one.subject() +
           ")";
  }
  if (!candidate.rejected_certificates.empty()) {
    const auto& one = candidate.rejected_certificates.front()->summary;
    return text + ", certificate SHA-256 " + HexLower(one.thumbprint) + " (" + one.subject + ")";
  }
  return text + ", without a certificate, key " + HexLower(candidate.digest);
}

std::string List(const std::vector<Candidate>& candidates) {
  std::string text;
  for (std::size_t i = 0; i < std::min(candidates.size(), kMaxListed); ++i) {
    text += (i == 0 ? "" : "; ") + Describe(candidates[i]);
  }
  if (candidates.size() > kMaxListed) {
    text += "; and " + std::to_string(candidates.size() - kMaxListed) + " more";
  }
  return text;
}

// Each key once, in the order of the file.
std::vector<Candidate> Candidates(const BackupContents& contents) {
  std::vector<Candidate> candidates;
  const auto add = [&](Candidate candidate) {
    if (std::ranges::find(candidates, candidate.digest, &Candidate::digest) != candidates.end()) {
      return;
    }
    for (const auto& one : contents.certificates) {
      if (one.key().digest() == candidate.digest) candidate.certificates.push_back(&one);
    }
    for (const auto& one : contents.rejected_certificates) {
      if (one.summary.key_digest == candidate.digest) {
        candidate.rejected_certificates.push_back(&one);
      }
    }
    candidates.push_back(std::move(candidate));
  };
  for (const auto& key : contents.server_keys) {
    const Digest& digest = key.public_key().digest();
    const auto name = contents.key_names.find(digest);
    add({.digest = digest,
         .key = &key,
         .name = name == contents.key_names.end() ? "" : std::string_view(name->second)});
  }
  for (const auto& key : contents.rejected_keys) {
    add({.digest = key.digest, .rejected = &key, .name = key.friendly_name});
  }
  return candidates;
}

// As people paste it: with colons or spaces, and with the mark (U+200E) that Windows' viewer puts
// before a thumbprint.
Result<std::string> Normalized(std::string_view wanted) {
  constexpr std::string_view kMark = "\xe2\x80\x8e";
  std::string digits;
  while (!wanted.empty()) {
    if (wanted.starts_with(kMark)) {
      wanted.remove_prefix(kMark.size());
      continue;
    }
    const char c = wanted.front();
    wanted.remove_prefix(1);
    if (c == ':' || c == ' ') continue;
    digits += static_cast<char>(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
  }
  if (digits.size() >= kMinWantedLen && digits.size() <= 2 * sizeof(Digest) &&
      digits.find_first_not_of("0123456789abcdef") == std::string::npos) {
    return digits;
  }
  return Fail(Code::kUsage,
              "which key is meant is said by 8 to 64 hex digits of its certificate's thumbprint");
}

bool Matches(const Candidate& candidate, std::string_view digits) {
  const auto begins = [&](ByteView octets) { return HexLower(octets).starts_with(digits); };
  return begins(candidate.digest) ||
         std::ranges::any_of(candidate.certificates,
                             [&](const Certificate* one) {
                               return begins(one->thumbprint()) || begins(crypto::Sha1(one->der()));
                             }) ||
         std::ranges::any_of(candidate.rejected_certificates, [&](const RejectedCertificate* one) {
           return begins(one->summary.thumbprint) || begins(one->summary.sha1);
         });
}

Result<Candidate> Choose(const std::vector<Candidate>& candidates, std::string_view wanted) {
  if (wanted.empty()) {
    if (candidates.size() == 1) return candidates.front();
    return Fail(Code::kRefused,
                "the file holds " + std::to_string(candidates.size()) +
                    " private keys, and one is expected: " + List(candidates) +
                    ". Say which one by the first digits of its thumbprint",
                "the same command with --key THUMBPRINT");
  }
  const auto digits = Normalized(wanted);
  if (!digits) return std::unexpected(digits.error());
  std::vector<Candidate> found;
  std::ranges::copy_if(candidates, std::back_inserter(found),
                       [&](const Candidate& one) { return Matches(one, *digits); });
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    return Fail(Code::kNotFound, "no key in the file has the thumbprint " + *digits +
                                     "; it holds: " + List(candidates));
  }
  return Fail(Code::kRefused, "more than one key in the file has a thumbprint that begins with " +
                                  *digits + ": " + List(found) + ". Give more digits");
}

std::unexpected<Error> NotAllowed(const Candidate& candidate) {
  return Fail(Code::kRefused,
              "the key in the file (" + Describe(candidate) +
                  ") cannot be used: " + candidate.rejected->reason + "; " + kAllowed +
                  ". No certificate mends that: make a new identity instead (on a server that has "
                  "one: CertificateManager -c PASSWORD); agents that know only the old key need "
                  "the mover or a new installation",
              "countersign server init");
}

// There is none that is self-signed and allowed: which is the nearest, and why it will not do.
std::unexpected<Error> NoCertificate(const BackupContents& contents, const Candidate& candidate) {
  const std::string anew = ". Make a self-signed one for the same key";
  if (!candidate.certificates.empty()) {
    const Certificate& issued = *candidate.certificates.front();
    return Fail(Code::kRefused,
                "the certificate " + Describe(issued) + " in the file was issued by " +
                    issued.issuer() +
                    ", and a self-signed one is expected: agents would not accept it" + anew,
                kCertifyAnew);
  }
  if (!candidate.rejected_certificates.empty()) {
    const RejectedCertificate& refused = *candidate.rejected_certificates.front();
    return Fail(Code::kRefused,
                "the certificate " + Describe(refused) +
                    " in the file cannot be used: " + refused.reason + anew,
                kCertifyAnew);
  }
  const bool none = contents.certificates.empty() && contents.rejected_certificates.empty();
  return Fail(Code::kRefused,
              none ? "the file holds a private key (" + Describe(candidate) +
                         ") and no certificate; put both into one file"
                   : "no certificate in the file belongs to its key (" + Describe(candidate) +
                         "); it holds: " + DescribeCertificates(contents) +
                         ". Put the key and its own certificate into one file",
              kJoin);
}

}  // namespace

Result<ForeignIdentity> ChooseIdentity(const BackupContents& contents, std::string_view wanted) {
  const std::vector<Candidate> candidates = Candidates(contents);
  if (candidates.empty()) {
    return Fail(
        Code::kMalformed,
        "the file holds no private key; its certificates: " + DescribeCertificates(contents) +
            ". Export it again with its private key, or put both into one file",
        kJoin);
  }
  const auto chosen = Choose(candidates, wanted);
  if (!chosen) return std::unexpected(chosen.error());
  if (chosen->key == nullptr) return NotAllowed(*chosen);
  const Certificate* newest = nullptr;
  for (const Certificate* one : chosen->certificates) {
    if (!one->IsSignedBy(chosen->key->public_key())) continue;
    if (newest == nullptr || one->not_before() > newest->not_before()) newest = one;
  }
  if (newest == nullptr) return NoCertificate(contents, *chosen);
  return ForeignIdentity{*chosen->key, *newest};
}

}  // namespace countersign::keys
