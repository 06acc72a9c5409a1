#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "tests/support/certificate_factory.h"
#include "wire/registration.h"

namespace countersign::mover {

constexpr Times kNow{testing::kTestBegin + Seconds(86'400), Uptime(5'000)};

// What a reply has beside what the report asks for.
struct ReplyExtra {
  std::vector<Bytes> bundle = {};
  bool accepted = false;
  std::optional<ServerId> iss = {};  // none: whom the report is for
};

// ReplyTo is what a server with this key answers to the report.
inline std::string ReplyTo(const wire::Report& report, const testing::Identity& signer,
                           RandomSource& random, ReplyExtra extra = {}) {
  const wire::Reply reply{.x5t = signer.certificate.thumbprint(),
                          .x5c = std::move(extra.bundle),
                          .iss = extra.iss.value_or(report.aud),
                          .aud = report.iss,
                          .challenge = report.challenge,
                          .iat = 1,
                          .nonce = random.Token(),
                          .interval = 900,
                          .head = {},
                          .jump = {},
                          .want_bundle = false,
                          .accepted = extra.accepted,
                          .orders = {}};
  return wire::SignReply(reply, signer.key).value_or("");
}

}  // namespace countersign::mover
