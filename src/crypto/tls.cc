#include "crypto/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <climits>
#include <utility>

#include "crypto/hash.h"
#include "crypto/keys_impl.h"
#include "crypto/openssl_ptr.h"

namespace countersign::crypto {
namespace {

using SslPtr = OpenSslPtr<SSL, &SSL_free>;
using SslContextPtr = OpenSslPtr<SSL_CTX, &SSL_CTX_free>;

// Of the peer's chain. We never ask a client for one, and of a server only its key counts.
constexpr long kMaxPeerChainLen = 32L * 1024;

bool LooksLikeAddress(const std::string& host) {
  return host.find(':') != std::string::npos ||
         host.find_first_not_of("0123456789.") == std::string::npos;
}

// What both sides have in common.
Result<SslContextPtr> MakeContext(const SSL_METHOD* method) {
  SslContextPtr context(SSL_CTX_new(method));
  SSL_CTX* const raw = context.get();
  if (raw == nullptr || SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_max_proto_version(raw, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_num_tickets(raw, 0) != 1 || SSL_CTX_set_max_early_data(raw, 0) != 1 ||
      SSL_CTX_set_recv_max_early_data(raw, 0) != 1) {
    return OpenSslFailure(Code::kInternal, "cannot set up TLS");
  }
  SSL_CTX_set_options(raw, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(raw, kMaxPeerChainLen);
  SSL_CTX_set_verify(raw, SSL_VERIFY_NONE, nullptr);
  // An idle connection keeps no buffers.
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
  return context;
}

std::string ReasonText(unsigned long error) {
  const char* const reason = ERR_reason_error_string(error);
  return reason == nullptr ? "the handshake failed" : reason;
}

bool IsPlainHttp(unsigned long error) {
  return ERR_GET_LIB(error) == ERR_LIB_SSL && (ERR_GET_REASON(error) == SSL_R_HTTP_REQUEST ||
                                               ERR_GET_REASON(error) == SSL_R_HTTPS_PROXY_REQUEST);
}

std::optional<Digest> KeyOfPeer(const SSL* ssl) {
  const X509* const certificate = SSL_get0_peer_certificate(ssl);
  X509_PUBKEY* const key = certificate == nullptr ? nullptr : X509_get_X509_PUBKEY(certificate);
  if (key == nullptr) return std::nullopt;
  const Bytes spki = EncodeDer<&i2d_X509_PUBKEY>(key);
  if (spki.empty()) return std::nullopt;
  return Sha256(spki);
}

}  // namespace

struct TlsContext::Impl {
  SslContextPtr context;
  bool is_server = false;
};

struct TlsSession::Impl {
  SslPtr ssl;
  BIO* in = nullptr;   // ssl's
  BIO* out = nullptr;  // ssl's
  bool is_client = false;
  bool done = false;  // the handshake
  bool failed = false;
  bool plainly = false;
  std::size_t handshake_len = 0;
  std::optional<Digest> peer_key;
  std::string failure;

  TlsStep Fail(std::string why) {
    failed = true;
    failure = std::move(why);
    ForgetOpenSslErrors();
    return TlsStep::kFailed;
  }

  // Judge says what a result ≤ 0 of an SSL function means.
  TlsStep Judge(int result) {
    switch (SSL_get_error(ssl.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return TlsStep::kNeedInput;
      case SSL_ERROR_ZERO_RETURN:
        return TlsStep::kClosed;
      default: {
        const unsigned long error = ERR_peek_error();
        plainly = IsPlainHttp(error);
        return Fail(ReasonText(error));
      }
    }
  }
};

Result<TlsContext> TlsContext::ForServer(const PrivateKey& key, std::span<const Bytes> chain) {
  if (chain.empty() || chain.size() > kMaxChain) {
    return Fail(Code::kMalformed,
                "a TLS server shows 1 to " + std::to_string(kMaxChain) + " certificates");
  }
  auto context = MakeContext(TLS_server_method());
  if (!context) return std::unexpected(std::move(context).error());
  SSL_CTX* const raw = context->get();
  bool is_first = true;
  for (const Bytes& der : chain) {
    const X509Ptr certificate = DecodeDer<X509Ptr, &d2i_X509>(der);
    if (!certificate)
      return OpenSslFailure(Code::kMalformed, "a certificate of the chain cannot be read");
    const bool taken = is_first ? SSL_CTX_use_certificate(raw, certificate.get()) == 1
                                : SSL_CTX_add1_chain_cert(raw, certificate.get()) == 1;
    if (!taken)
      return OpenSslFailure(Code::kMalformed, "TLS cannot use a certificate of the chain");
    is_first = false;
  }
  if (SSL_CTX_use_PrivateKey(raw, key.impl().key.get()) != 1 ||
      SSL_CTX_check_private_key(raw) != 1) {
    ForgetOpenSslErrors();
    return Fail(Code::kUsage, "the private key is not the one of the certificate");
  }
  auto impl = std::make_shared<Impl>();
  impl->context = *std::move(context);
  impl->is_server = true;
  return TlsContext(std::move(impl));
}

Result<TlsContext> TlsContext::ForClient() {
  auto context = MakeContext(TLS_client_method());
  if (!context) return std::unexpected(std::move(context).error());
  auto impl = std::make_shared<Impl>();
  impl->context = *std::move(context);
  return TlsContext(std::move(impl));
}

Result<std::unique_ptr<TlsSession>> TlsContext::Begin(const std::string& host) const {
  auto session = std::make_unique<TlsSession::Impl>();
  session->ssl.reset(SSL_new(impl_->context.get()));
  BioPtr in(BIO_new(BIO_s_mem()));
  BioPtr out(BIO_new(BIO_s_mem()));
  if (!session->ssl || !in || !out) return OpenSslFailure(Code::kExhausted, "no memory for TLS");
  // An empty one means: ask again when there is more.
  BIO_set_mem_eof_return(in.get(), -1);
  BIO_set_mem_eof_return(out.get(), -1);
  session->in = in.get();
  session->out = out.get();
  SSL_set_bio(session->ssl.get(), in.release(), out.release());
  session->is_client = !impl_->is_server;
  if (impl_->is_server) {
    SSL_set_accept_state(session->ssl.get());
  } else {
    SSL_set_connect_state(session->ssl.get());
    // What the macro SSL_set_tlsext_host_name does. A name too long for it is not sent.
    std::string name = host;
    if (!host.empty() && !LooksLikeAddress(host) &&
        SSL_ctrl(session->ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                 name.data()) != 1) {
      ForgetOpenSslErrors();
    }
  }
  return std::unique_ptr<TlsSession>(new TlsSession(std::move(session)));
}

TlsSession::TlsSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsSession::~TlsSession() = default;

void TlsSession::Feed(ByteView octets) {
  if (impl_->failed || octets.empty()) return;
  if (!impl_->done) {
    impl_->handshake_len += octets.size();
    if (impl_->handshake_len > kMaxHandshakeLen) {
      static_cast<void>(impl_->Fail("a handshake of more than 64 KiB"));
      return;
    }
  }
  const int len = static_cast<int>(octets.size());
  if (octets.size() > INT_MAX || BIO_write(impl_->in, octets.data(), len) != len) {
    static_cast<void>(impl_->Fail("no memory"));
  }
}

TlsStep TlsSession::Handshake() {
  if (impl_->failed) return TlsStep::kFailed;
  if (impl_->done) return TlsStep::kDone;
  ERR_clear_error();
  const int result = SSL_do_handshake(impl_->ssl.get());
  if (result != 1) return impl_->Judge(result);
  impl_->done = true;
  if (impl_->is_client) {
    impl_->peer_key = KeyOfPeer(impl_->ssl.get());
    if (!impl_->peer_key) return impl_->Fail("its certificate has no key that can be read");
  }
  return TlsStep::kDone;
}

TlsSession::Taken TlsSession::Read(std::span<std::uint8_t> out) {
  if (impl_->failed || !impl_->done) return {};
  ERR_clear_error();
  std::size_t len = 0;
  const int result = SSL_read_ex(impl_->ssl.get(), out.data(), out.size(), &len);
  if (result == 1) return {TlsStep::kDone, len};
  return {impl_->Judge(result), 0};
}

bool TlsSession::Write(ByteView plain) {
  if (impl_->failed || !impl_->done || plain.size() > kMaxWriteLen) return false;
  if (plain.empty()) return true;
  ERR_clear_error();
  std::size_t len = 0;
  const int result = SSL_write_ex(impl_->ssl.get(), plain.data(), plain.size(), &len);
  if (result == 1 && len == plain.size()) return true;
  static_cast<void>(impl_->Judge(result));
  impl_->failed = true;
  return false;
}

void TlsSession::Close() {
  if (impl_->failed || !impl_->done) return;
  ERR_clear_error();
  static_cast<void>(SSL_shutdown(impl_->ssl.get()));
  ForgetOpenSslErrors();
}

Bytes TlsSession::TakeOutput() {
  const std::size_t len = BIO_ctrl_pending(impl_->out);
  Bytes output(len);
  if (len == 0) return output;
  const int taken = BIO_read(impl_->out, output.data(), static_cast<int>(len));
  output.resize(static_cast<std::size_t>(std::max(taken, 0)));
  return output;
}

const std::optional<Digest>& TlsSession::peer_key() const { return impl_->peer_key; }
bool TlsSession::peer_speaks_plainly() const { return impl_->plainly; }
const std::string& TlsSession::failure() const { return impl_->failure; }

}  // namespace countersign::crypto
