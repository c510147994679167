#include "serve/http_message.h"

#include <algorithm>
#include <array>
#include <optional>

namespace edgesentry::serve {
namespace {

constexpr std::size_t kTargetMax = 8192;
constexpr std::size_t kParametersMax = 32;

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

// nullopt: a % without two digits, or a control character, which no address and no word holds.
std::optional<std::string> decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const auto high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (!high || !low) return std::nullopt;
      c = static_cast<char>(*high * 16 + *low);
      i += 2;
    } else if (c == '+' && plus_is_blank) {
      c = ' ';
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
    out += c;
  }
  return out;
}

const base::Error kBadEncoding{"the target is not percent-encoded as RFC 3986 wants it"};

base::Status parse_query(std::string_view query, HttpTarget& out) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    if (out.query.size() == kParametersMax)
      return base::Error{"the target has more than 32 parameters"};
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto name = decode(pair.substr(0, equals), true);
    const auto value = decode(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value) return kBadEncoding;
    out.query.emplace_back(*name, *value);
  }
  return {};
}

struct Reason {
  unsigned status;
  std::string_view words;
};
constexpr std::array<Reason, 16> kReasons = {{{200, "OK"},
                                              {201, "Created"},
                                              {400, "Bad Request"},
                                              {401, "Unauthorized"},
                                              {403, "Forbidden"},
                                              {404, "Not Found"},
                                              {405, "Method Not Allowed"},
                                              {409, "Conflict"},
                                              {413, "Content Too Large"},
                                              {415, "Unsupported Media Type"},
                                              {422, "Unprocessable Content"},
                                              {429, "Too Many Requests"},
                                              {500, "Internal Server Error"},
                                              {503, "Service Unavailable"},
                                              {504, "Gateway Timeout"},
                                              {507, "Insufficient Storage"}}};

}  // namespace

base::Result<HttpTarget> parse_target(std::string_view target) {
  if (target.size() > kTargetMax) return base::Error{"the target is longer than 8192 bytes"};
  if (!target.starts_with('/')) return base::Error{"the target does not begin with /"};
  HttpTarget out;
  const std::size_t mark = std::min(target.find('?'), target.size());
  std::string_view path = target.substr(1, mark - 1);
  for (;;) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const auto segment = decode(path.substr(0, slash), false);
    if (!segment) return kBadEncoding;
    out.segments.push_back(*segment);
    if (slash == path.size()) break;
    path.remove_prefix(slash + 1);
  }
  if (base::Status read = parse_query(target.substr(std::min(mark + 1, target.size())), out); !read)
    return read.error();
  return out;
}

std::string_view reason_of(unsigned status) noexcept {
  const auto found = std::ranges::find(kReasons, status, &Reason::status);
  return found == kReasons.end() ? "Error" : found->words;
}

std::string to_text(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
}

HttpReply problem(unsigned status, std::string_view detail, nlohmann::json more) {
  more["type"] = "about:blank";
  more["title"] = reason_of(status);
  more["status"] = status;
  more["detail"] = detail;
  return {.status = status,
          .content_type = "application/problem+json",
          .body = to_text(more),
          .headers = {}};
}

}  // namespace edgesentry::serve
