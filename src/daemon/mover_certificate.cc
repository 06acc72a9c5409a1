#include "daemon/mover_certificate.h"

#include <utility>

#include "base/encoding.h"
#include "daemon/transfer.h"
#include "net/address.h"

namespace countersign::daemon {
namespace {

namespace asio = boost::asio;

asio::awaitable<GivenCertificate> Fetch(const MoveRequest& request, store::AgentConfig config) {
  config.server_host = request.place.host;
  config.http_port = request.place.http_port;
  config.https_port = request.place.https_port;
  if (request.place.tls) config.tls = *request.place.tls;
  auto fetched = co_await FetchCertificate(config);
  const std::uint16_t port = config.tls ? config.https_port : config.http_port;
  const std::string place = net::Endpoint{config.server_host, port}.Text();
  GivenCertificate given;
  if (!fetched) {
    const bool is_other = fetched.error().code == Code::kMalformed;
    given.result = EndName(is_other ? TransferEnd::kNotTaken : TransferEnd::kUnreachable);
    given.why = "no certificate can be had from " + place + ": " + fetched.error().message;
    given.next = "look at the name and the ports, and whether the server runs";
    co_return given;
  }
  const Digest found = fetched->thumbprint();
  if (request.thumbprint && found != *request.thumbprint) {
    given.result = "other-certificate";
    given.why = "the server at " + place + " shows the certificate with the thumbprint " +
                HexLower(found) + ", and " + HexLower(*request.thumbprint) + " was expected";
    given.next = "compare with `countersign cert show` on that server";
    co_return given;
  }
  given.certificate = *std::move(fetched);
  co_return given;
}

}  // namespace

asio::awaitable<GivenCertificate> GetCertificate(const MoveRequest& request,
                                                 const net::ControlMessage& message,
                                                 const store::AgentConfig& config) {
  GivenCertificate given;
  if (message.blobs.empty()) co_return co_await Fetch(request, config);
  auto parsed = crypto::Certificate::Parse(message.blobs.front());
  if (!parsed) {
    given.why = parsed.error().message;
  } else {
    given.certificate = *std::move(parsed);
  }
  co_return given;
}

}  // namespace countersign::daemon
