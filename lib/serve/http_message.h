// Requests and replies of HTTP as plain values, and what a request's target says. Pure.
//
// Percent-encoding by RFC 3986 section 2.1, strictly; errors by RFC 9457.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ip.h"
#include "base/result.h"

namespace edgesentry::serve {

struct HttpRequest {
  std::string method;
  std::string target;  // as it came: path and query, encoded
  std::string content_type, authorization, last_event_id;
  std::string body;
  std::uint64_t content_length = 0;  // as announced; 0: none, or unknown
  bool has_two_authorizations = false;
  base::Ip client;
};

struct HttpReply {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

struct HttpTarget {
  std::vector<std::string> segments;  // of the path, decoded after it was split
  std::vector<std::pair<std::string, std::string>> query;
};
[[nodiscard]] base::Result<HttpTarget> parse_target(std::string_view target);

// "Not Found"
[[nodiscard]] std::string_view reason_of(unsigned status) noexcept;

// application/problem+json; `more` holds further members.
[[nodiscard]] HttpReply problem(unsigned status, std::string_view detail,
                                nlohmann::json more = nlohmann::json::object());

// Always valid UTF-8.
[[nodiscard]] std::string to_text(const nlohmann::json& value);

}  // namespace edgesentry::serve
