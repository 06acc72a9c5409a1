#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

#include "crypto/certificate.h"
#include "daemon/mover_request.h"
#include "store/config.h"

namespace countersign::daemon {

// GivenCertificate is the certificate that the target of a move has to prove.
struct GivenCertificate {
  std::optional<crypto::Certificate> certificate;
  std::string result = {};  // none: the word of the answer, empty if what was given cannot be read
  std::string why = {};
  std::string next = {};
};

// GetCertificate takes it from the message, or, where the request says so, fetches it from the
// target and compares the thumbprint. Bounded as FetchCertificate is (transfer.h).
[[nodiscard]] boost::asio::awaitable<GivenCertificate> GetCertificate(
    const MoveRequest& request, const net::ControlMessage& message,
    const store::AgentConfig& config);

}  // namespace countersign::daemon
