#pragma once

#include "base/error.h"
#include "net/control_message.h"
#include "server/admin.h"

namespace countersign::server {

// An administrator's message on the control socket and as server::Admin takes it: the same, but for
// the JSON, which is text on the socket. DecodeAdmin fails with kMalformed; depth is limited.
[[nodiscard]] Result<AdminMessage> DecodeAdmin(net::ControlMessage message);
[[nodiscard]] net::ControlMessage EncodeAdmin(AdminMessage message);

}  // namespace countersign::server
