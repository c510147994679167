// The HTTP API without its sockets: who may ask what, what command it is, what the answer is as
// HTTP. Any thread; answer() waits for the control thread where the request is a command.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "serve/api_guard.h"
#include "serve/api_numbers.h"
#include "serve/api_routes.h"
#include "serve/http_message.h"

namespace edgesentry::serve {

class Api {
 public:
  struct Settings {
    ApiTokens tokens;
    std::uint32_t requests_per_second = 50;
    std::size_t body_max = 1u << 20;
    std::string version;
    ApiClock now = [] { return std::chrono::steady_clock::now(); };
  };
  struct Links {
    std::function<nlohmann::json(nlohmann::json)> ask;  // a command; its reply
    std::function<std::string()> metrics;               // as Prometheus' text format
    std::function<bool()> is_alive;                     // the control thread goes round
    ApiNumbers& numbers;
  };
  Api(Settings settings, Links links);

  struct Admission {
    std::optional<HttpReply> refusal;  // else:
    ApiRight right = ApiRight::none;   // refused or not
    const ApiRoute* route = nullptr;
    std::string argument;
    HttpTarget target;
  };
  // What a request's head is enough to say no to; never waits.
  [[nodiscard]] Admission admit(const HttpRequest& head);
  // Not for a stream. The body has come whole, and is at most body_max long.
  [[nodiscard]] HttpReply answer(const Admission& admission, const HttpRequest& request) const;

  [[nodiscard]] HttpReply too_long() const;
  [[nodiscard]] std::size_t body_max() const noexcept { return settings_.body_max; }
  [[nodiscard]] ApiNumbers& numbers() const noexcept { return links_.numbers; }

 private:
  std::optional<HttpReply> check_client(const HttpRequest& head, ApiRight right, bool is_open);
  [[nodiscard]] std::optional<HttpReply> check_body(const ApiRoute& route,
                                                    const HttpRequest& head) const;
  [[nodiscard]] HttpReply command(const Admission& admission, const HttpRequest& request) const;

  Settings settings_;
  Links links_;
  ClientRates friends_, strangers_, guesses_;
};

// 503 that says when to come again.
[[nodiscard]] HttpReply busy(std::string_view sentence);

}  // namespace edgesentry::serve
