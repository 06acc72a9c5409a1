#pragma once

#include <boost/json/object.hpp>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "base/time.h"
#include "mover/transfer.h"
#include "net/control_message.h"

// The mover's full form as a control message (mover_control.h).
namespace countersign::daemon {

struct MoveRequest {
  mover::Place place;
  std::optional<Digest> thumbprint;
  bool first_use = false;
  bool dry_run = false;
  Uptime wait{0};  // at most an hour
};

// RequestObject reads the JSON of a control message; kUsage if it is no object.
[[nodiscard]] Result<boost::json::object> RequestObject(const net::ControlMessage& message);

// ReadMoveRequest reads a request to move, whose JSON is `object`: names, ports, the token and pins
// of a package, and that the certificate is among the blobs exactly when it is not to be fetched.
// kUsage, naming the member, for anything else.
[[nodiscard]] Result<MoveRequest> ReadMoveRequest(const net::ControlMessage& message,
                                                  const boost::json::object& object);

}  // namespace countersign::daemon
