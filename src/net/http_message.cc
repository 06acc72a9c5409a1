#include "net/http_message.h"

#include <algorithm>
#include <utility>

namespace countersign::net {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, Lower, Lower);
}

// RFC 9110 5.6.2
bool IsTokenCharacter(char c) {
  const bool alnum = (c >= '0' && c <= '9') || (Lower(c) >= 'a' && Lower(c) <= 'z');
  return alnum || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
bool IsToken(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, IsTokenCharacter);
}
bool IsFieldValue(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c == '\t' || (c >= 0x20 && c <= 0x7e); });
}

std::optional<unsigned> HexValue(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (Lower(c) >= 'a' && Lower(c) <= 'f') return static_cast<unsigned>(Lower(c) - 'a' + 10);
  return std::nullopt;
}

std::optional<std::string> PercentDecode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const auto high = HexValue(text[i + 1]);
    const auto low = HexValue(text[i + 2]);
    if (!high || !low) return std::nullopt;
    out.push_back(static_cast<char>(*high * 16 + *low));
    i += 2;
  }
  return out;
}

}  // namespace

std::optional<std::string_view> FindField(const std::vector<HttpField>& fields,
                                          std::string_view name) {
  for (const HttpField& field : fields) {
    if (EqualsIgnoringCase(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::string HttpRequest::ContentType() const {
  std::string_view value = FindField(fields, "content-type").value_or("");
  value = value.substr(0, value.find(';'));
  while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
  std::string type(value);
  std::ranges::transform(type, type.begin(), Lower);
  return type;
}

std::optional<std::string> HttpRequest::QueryValue(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const std::size_t end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
    const std::size_t equals = pair.find('=');
    if (PercentDecode(pair.substr(0, equals)) != name) continue;
    return PercentDecode(equals == pair.npos ? std::string_view() : pair.substr(equals + 1));
  }
  return std::nullopt;
}

HttpResponse MakeText(int status, std::string_view text) {
  return {.status = status,
          .content_type = "text/plain",
          .body = std::string(text) + "\n",
          .fields = {}};
}

std::string_view StatusText(int status) {
  static constexpr std::pair<int, std::string_view> kTexts[] = {
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {417, "Expectation Failed"},
      {422, "Unprocessable Content"},
      {428, "Precondition Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {503, "Service Unavailable"},
      {505, "HTTP Version Not Supported"}};
  const auto* const found =
      std::ranges::find(kTexts, status, &std::pair<int, std::string_view>::first);
  return found == std::end(kTexts) ? std::string_view() : found->second;
}

std::optional<std::string> FormatResponseHead(const HttpResponse& response, KeepAlive keep_alive) {
  if (response.status < 200 || response.status > 599) return std::nullopt;
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  head.append(StatusText(response.status)).append("\r\n");
  if (response.status != 204) {
    if (response.status != 304) {
      head.append("Content-Length: ").append(std::to_string(response.body.size())).append("\r\n");
    }
    if (!IsFieldValue(response.content_type)) return std::nullopt;
    if (!response.content_type.empty()) {
      head.append("Content-Type: ").append(response.content_type).append("\r\n");
    }
  }
  for (const HttpField& field : response.fields) {
    if (!IsToken(field.name) || !IsFieldValue(field.value)) return std::nullopt;
    head.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  if (keep_alive == KeepAlive::kNo) head.append("Connection: close\r\n");
  head.append("\r\n");
  return head;
}

std::optional<std::string> FormatRequestHead(std::string_view method, std::string_view host,
                                             std::string_view target, std::string_view content_type,
                                             std::size_t body_len) {
  const auto printable = [](std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > 0x20 && c <= 0x7e; });
  };
  if (!IsToken(method) || !target.starts_with('/') || !printable(target)) return std::nullopt;
  if (host.empty() || !printable(host) || !IsFieldValue(content_type)) return std::nullopt;
  std::string head;
  head.reserve(128 + target.size() + host.size());
  head.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: ").append(host);
  head.append("\r\n");
  if (!content_type.empty()) head.append("Content-Type: ").append(content_type).append("\r\n");
  if (body_len > 0 || method != "GET") {
    head.append("Content-Length: ").append(std::to_string(body_len)).append("\r\n");
  }
  head.append("\r\n");
  return head;
}

}  // namespace countersign::net
