#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

// Private to net/.

namespace countersign::net {

// ProbeWhileSilent makes the system probe a silent connection from 20 seconds on, and end it 30
// seconds later if nobody answers: an exchange that waits for minutes keeps the state of NATs and
// firewalls on its way alive, and notices when it was lost.
inline void ProbeWhileSilent(int socket) {
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
#ifdef TCP_KEEPIDLE
  constexpr int kIdle = 20;
  constexpr int kBetween = 10;
  constexpr int kProbes = 3;
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &kIdle, sizeof kIdle);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &kBetween, sizeof kBetween);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &kProbes, sizeof kProbes);
#endif
}

}  // namespace countersign::net
