#include "net/http_parser.h"

#include <algorithm>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <utility>

namespace countersign::net {
namespace {

namespace http = boost::beast::http;

constexpr int kMaxInterim = 8;  // 1xx answers before the final one

std::string_view View(boost::beast::string_view text) { return {text.data(), text.size()}; }

template <bool kIsRequest>
struct FrameReader {
  using Parser = http::parser<kIsRequest, http::string_body>;

  explicit FrameReader(const HttpLimits& reader_limits) : limits(reader_limits) { Restart(); }

  void Restart() {
    parser.emplace();
    parser->header_limit(static_cast<std::uint32_t>(limits.header_limit));
    parser->body_limit(boost::none);
    head_done = false;
    head_len = 0;
  }

  // Step parses as much of `pending` as one state of the parser takes.
  [[nodiscard]] http::error Step() {
    // Beast asserts that it sees the five octets of a last chunk ("0" CRLF CRLF) at once. At least
    // as many are still to come wherever we are in a chunked body.
    if (head_done && parser->chunked() && pending.size() < 5) return http::error::need_more;
    boost::beast::error_code error;
    const std::size_t used = parser->put({pending.data(), pending.size()}, error);
    pending.erase(0, used);
    if (!head_done) {
      head_len += used;
      const bool over =
          head_len + (parser->is_header_done() ? 0 : pending.size()) > limits.header_limit;
      if (over) return http::error::header_limit;
    }
    if (error == http::error::need_more) {
      // Only part of a head, of a chunk's line or of the trailers can be left over here.
      if (pending.size() > limits.header_limit) return http::error::header_limit;
      return http::error::need_more;
    }
    return error ? static_cast<http::error>(error.value()) : http::error{};
  }

  [[nodiscard]] std::vector<HttpField> TakeFields() const {
    std::vector<HttpField> fields;
    for (const auto& field : parser->get()) {
      fields.push_back({std::string(View(field.name_string())), std::string(View(field.value()))});
    }
    return fields;
  }

  [[nodiscard]] std::size_t Count(http::field name) const { return parser->get().count(name); }

  HttpLimits limits;
  std::string pending;
  std::optional<Parser> parser;
  std::size_t head_len = 0;
  bool head_done = false;
};

int StatusOf(http::error error) {
  switch (error) {
    case http::error::header_limit:
      return 431;
    case http::error::body_limit:
      return 413;
    case http::error::bad_version:
      return 505;
    default:
      return 400;
  }
}

}  // namespace

struct HttpRequestReader::State : FrameReader<true> {
  using FrameReader::FrameReader;

  HttpProgress Fail(int status) {
    failure_status = status;
    return HttpProgress::kFailed;
  }

  // CheckHead returns 0, or the status to refuse the request with.
  [[nodiscard]] int CheckHead() const {
    const auto& message = parser->get();
    if (std::distance(message.begin(), message.end()) > std::ptrdiff_t(limits.num_fields))
      return 431;
    const std::size_t num_hosts = Count(http::field::host);
    if (num_hosts > 1 || (num_hosts == 0 && message.version() == 11)) return 400;
    if (Count(http::field::transfer_encoding) > 0) return 411;
    if (!message.target().starts_with('/')) return 400;
    if (Count(http::field::expect) == 0) return 0;
    return boost::beast::iequals(message[http::field::expect], "100-continue") ? 0 : 417;
  }

  void FillHead() {
    const auto& message = parser->get();
    const std::string_view target = View(message.target());
    const std::size_t mark = target.find('?');
    head.method = View(message.method_string());
    head.path = target.substr(0, mark);
    head.query = mark == target.npos ? std::string_view() : target.substr(mark + 1);
    head.fields = TakeFields();
  }

  HttpRequest head;
  std::size_t body_limit = 0;
  int failure_status = 0;
};

HttpRequestReader::HttpRequestReader(const HttpLimits& limits)
    : state_(std::make_unique<State>(limits)) {
  state_->body_limit = limits.body_limit;
}
HttpRequestReader::~HttpRequestReader() = default;

HttpProgress HttpRequestReader::Feed(ByteView octets) {
  State& s = *state_;
  if (s.failure_status != 0) return HttpProgress::kFailed;
  s.pending.append(AsText(octets));
  if (s.head_done && s.parser->content_length().value_or(0) > s.body_limit) return s.Fail(413);
  while (true) {
    if (s.head_done && s.parser->is_done()) return HttpProgress::kComplete;
    if (s.pending.empty()) return HttpProgress::kNeedMore;
    if (s.head_done)
      s.parser->body_limit(s.body_limit - std::min(s.body_limit, s.parser->get().body().size()));
    const http::error error = s.Step();
    if (error == http::error::need_more) return HttpProgress::kNeedMore;
    if (error != http::error{}) return s.Fail(StatusOf(error));
    if (s.head_done || !s.parser->is_header_done()) continue;
    s.head_done = true;
    if (const int status = s.CheckHead(); status != 0) return s.Fail(status);
    s.FillHead();
    return HttpProgress::kHead;
  }
}

const HttpRequest& HttpRequestReader::head() const { return state_->head; }
void HttpRequestReader::SetBodyLimit(std::size_t limit) { state_->body_limit = limit; }
bool HttpRequestReader::expects_continue() const {
  return state_->head_done && state_->Count(http::field::expect) > 0 && !state_->parser->is_done();
}
KeepAlive HttpRequestReader::keep_alive() const {
  const bool modern = state_->head_done && state_->parser->get().version() == 11;
  return modern && state_->parser->keep_alive() ? KeepAlive::kYes : KeepAlive::kNo;
}
bool HttpRequestReader::has_begun() const {
  return !state_->pending.empty() || state_->head_len > 0;
}
int HttpRequestReader::failure_status() const { return state_->failure_status; }

HttpRequest HttpRequestReader::Take() {
  State& s = *state_;
  Check(s.head_done && s.parser->is_done(), "HttpRequestReader::Take without a complete request");
  HttpRequest request = std::exchange(s.head, {});
  request.body = std::move(s.parser->get().body());
  s.Restart();
  s.body_limit = s.limits.body_limit;
  return request;
}

struct HttpResponseReader::State : FrameReader<false> {
  using FrameReader::FrameReader;

  void Begin() {
    Restart();
    parser->body_limit(limits.body_limit);
    parser->skip(is_head_request);
  }

  HttpProgress Fail(std::string text) {
    failure = std::move(text);
    return HttpProgress::kFailed;
  }

  // FramingIsPlain refuses transfer codings that two programs could understand differently.
  [[nodiscard]] bool FramingIsPlain() const {
    const std::size_t num_codings = Count(http::field::transfer_encoding);
    if (num_codings == 0) return true;
    return num_codings == 1 && parser->chunked() && parser->get().version() == 11 &&
           boost::beast::iequals(parser->get()[http::field::transfer_encoding], "chunked");
  }

  [[nodiscard]] HttpProgress EndOfHead() {
    head_done = true;
    const auto& message = parser->get();
    if (std::distance(message.begin(), message.end()) > std::ptrdiff_t(limits.num_fields)) {
      return Fail("more than " + std::to_string(limits.num_fields) + " fields");
    }
    if (!FramingIsPlain()) return Fail("a transfer coding that is not supported");
    if (message.result_int() / 100 != 1) return HttpProgress::kNeedMore;
    if (message.result_int() == 101) return Fail("a change of protocol that nobody asked for");
    if (++num_interim > kMaxInterim) return Fail("too many interim answers");
    Begin();
    return HttpProgress::kNeedMore;
  }

  std::string failure;
  int num_interim = 0;
  bool is_head_request = false;
};

HttpResponseReader::HttpResponseReader(const HttpLimits& limits, std::string_view request_method)
    : state_(std::make_unique<State>(limits)) {
  state_->is_head_request = request_method == "HEAD";
  state_->Begin();
}
HttpResponseReader::~HttpResponseReader() = default;

HttpProgress HttpResponseReader::Feed(ByteView octets) {
  State& s = *state_;
  if (!s.failure.empty()) return HttpProgress::kFailed;
  s.pending.append(AsText(octets));
  while (true) {
    if (s.head_done && s.parser->is_done()) {
      if (s.pending.empty()) return HttpProgress::kComplete;
      return s.Fail("more than the answer asked for");
    }
    if (s.pending.empty()) return HttpProgress::kNeedMore;
    const http::error error = s.Step();
    if (error == http::error::need_more) return HttpProgress::kNeedMore;
    if (error == http::error::header_limit) {
      return s.Fail("a header of more than " + std::to_string(s.limits.header_limit) + " bytes");
    }
    if (error == http::error::body_limit || error == http::error::buffer_overflow) {
      return s.Fail("a body of more than " + std::to_string(s.limits.body_limit) + " bytes");
    }
    if (error != http::error{})
      return s.Fail("no HTTP/1.1 (" + make_error_code(error).message() + ")");
    if (s.head_done || !s.parser->is_header_done()) continue;
    if (s.EndOfHead() == HttpProgress::kFailed) return HttpProgress::kFailed;
  }
}

HttpProgress HttpResponseReader::FeedEnd() {
  State& s = *state_;
  if (!s.failure.empty()) return HttpProgress::kFailed;
  boost::beast::error_code error = http::error::partial_message;
  if (s.head_done && s.parser->need_eof()) s.parser->put_eof(error);
  if (error) return s.Fail("an answer that ends too early");
  return HttpProgress::kComplete;
}

bool HttpResponseReader::has_begun() const {
  return !state_->pending.empty() || state_->head_len > 0 || state_->num_interim > 0;
}
KeepAlive HttpResponseReader::keep_alive() const {
  return state_->parser->keep_alive() ? KeepAlive::kYes : KeepAlive::kNo;
}
const std::string& HttpResponseReader::failure() const { return state_->failure; }

HttpResponse HttpResponseReader::Take() {
  auto& message = state_->parser->get();
  Check(state_->parser->is_done(), "HttpResponseReader::Take without a complete response");
  HttpRequest like_request;  // for the media type
  like_request.fields = state_->TakeFields();
  HttpResponse response;
  response.status = static_cast<int>(message.result_int());
  response.content_type = like_request.ContentType();
  response.fields = std::move(like_request.fields);
  response.body = std::move(message.body());
  return response;
}

}  // namespace countersign::net
