#include "serve/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "control/mailbox.h"
#include "serve/api_document.h"
#include "serve/request_text.h"

namespace edgesentry::serve {
namespace {

// Wrong tokens of one client: ten, and then one each five seconds.
constexpr ClientRates::Rate kGuesses{.per_second = 0.2, .at_once = 10};

HttpReply later(unsigned status, std::string_view sentence, std::chrono::seconds wait) {
  HttpReply reply = problem(status, sentence);
  reply.headers.emplace_back("Retry-After", std::to_string(wait.count()));
  return reply;
}

unsigned status_of(const nlohmann::json& reply) {
  const auto found = reply.find("code");
  if (found == reply.end() || !found->is_string()) return reply.contains("problems") ? 422 : 400;
  const auto& code = found->get_ref<const std::string&>();
  if (code == control::code::kNotFound) return 404;
  if (code == control::code::kConflict || code == control::code::kFull) return 409;
  if (code == control::code::kBusy || code == control::code::kStopping) return 503;
  return code == control::code::kTimeout ? 504 : 400;
}

HttpReply reply_of(nlohmann::json reply) {
  if (!reply.is_object()) return problem(500, "the command gave no answer");
  const bool is_ok = reply.value("ok", nlohmann::json()) == true;
  reply.erase("ok");
  if (is_ok) return {.body = to_text(reply), .headers = {}};
  const unsigned status = status_of(reply);
  const nlohmann::json sentence = reply.value("error", nlohmann::json("no reason was given"));
  reply.erase("error");
  HttpReply out =
      problem(status, sentence.is_string() ? sentence.get<std::string>() : sentence.dump(),
              std::move(reply));
  if (status == 503) out.headers.emplace_back("Retry-After", "1");
  return out;
}

// Empty, or what is wrong with the query.
std::string take_query(const ApiRoute& route, const HttpTarget& target, nlohmann::json& request) {
  for (const auto& [name, value] : target.query) {
    const auto known = std::ranges::find(route.query, name, &ApiParameter::name);
    if (known == route.query.end())
      return fmt::format("there is no parameter like this: {}", name.substr(0, 80));
    const std::string member(known->member);
    if (request.contains(member)) return fmt::format("{} stands there twice", known->name);
    if (!known->is_number) {
      request[member] = value;
      continue;
    }
    std::uint64_t number = 0;
    const char* end = value.data() + value.size();
    const auto [rest, fault] = std::from_chars(value.data(), end, number);
    if (fault != std::errc() || rest != end || value.empty())
      return fmt::format("{} is not a whole number", known->name);
    request[member] = number;
  }
  return {};
}

// A command's sentence about a member begins with its name, which the query may have another for.
void name_as_asked(const ApiRoute& route, nlohmann::json& reply) {
  const auto found = reply.is_object() ? reply.find("error") : reply.end();
  if (found == reply.end() || !found->is_string()) return;
  auto& sentence = found->get_ref<std::string&>();
  for (const ApiParameter& parameter : route.query)
    if (const std::string member = fmt::format("\"{}\"", parameter.member);
        sentence.starts_with(member)) {
      sentence.replace(0, member.size(), fmt::format("\"{}\"", parameter.name));
      return;
    }
}

std::string take_body(const ApiRoute& route, const std::string& body, nlohmann::json& request) {
  auto parsed = parse_json(body);
  if (!parsed) return parsed.error().text;
  if (route.body == ApiBody::array) {
    if (!parsed.value().is_array()) return "the body is not a JSON array";
    request["items"] = std::move(parsed).value();
    return {};
  }
  if (!parsed.value().is_object()) return "the body is not a JSON object";
  if (parsed.value().contains("command")) return "the body takes no 'command': the path names it";
  request.update(parsed.value());
  return {};
}

bool is_json_type(std::string_view type) {
  std::string plain(type.substr(0, type.find(';')));
  std::erase(plain, ' ');
  std::ranges::transform(plain, plain.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return plain == "application/json";
}

}  // namespace

HttpReply busy(std::string_view sentence) {
  return later(503, sentence, std::chrono::seconds(1));
}

Api::Api(Settings settings, Links links)
    : settings_(std::move(settings)),
      links_(std::move(links)),
      friends_({.per_second = static_cast<double>(settings_.requests_per_second),
                .at_once = 2.0 * settings_.requests_per_second}),
      strangers_({.per_second = static_cast<double>(settings_.requests_per_second),
                  .at_once = 2.0 * settings_.requests_per_second}),
      guesses_(kGuesses) {}

HttpReply Api::too_long() const {
  links_.numbers.too_long.fetch_add(1, std::memory_order_relaxed);
  return problem(413,
                 fmt::format("a body has at most {} bytes (api.body_max)", settings_.body_max));
}

std::optional<HttpReply> Api::check_client(const HttpRequest& head, ApiRight right, bool is_open) {
  const auto now = settings_.now();
  ClientRates& rates = right == ApiRight::none ? strangers_ : friends_;
  auto wait = rates.take(head.client, now);
  if (!wait && right == ApiRight::none && !is_open) {
    if (!head.authorization.empty()) {
      links_.numbers.wrong_tokens.fetch_add(1, std::memory_order_relaxed);
      wait = guesses_.take(head.client, now);
    }
    if (!wait) {
      HttpReply reply = problem(401,
                                "this needs the token of api.token_file: Authorization: "
                                "Bearer TOKEN");
      reply.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"edgesentry\"");
      return reply;
    }
  }
  if (!wait) return std::nullopt;
  links_.numbers.limited.fetch_add(1, std::memory_order_relaxed);
  return later(429,
               "this client asks more often than api.requests_per_second allows, or tries "
               "wrong tokens",
               *wait);
}

std::optional<HttpReply> Api::check_body(const ApiRoute& route, const HttpRequest& head) const {
  if (head.content_length > settings_.body_max) return too_long();
  if (route.body == ApiBody::none) {
    if (head.content_length > 0) return problem(400, "this request takes no body");
    return std::nullopt;
  }
  if (!is_json_type(head.content_type))
    return problem(415, "the body is to be JSON: Content-Type: application/json");
  return std::nullopt;
}

Api::Admission Api::admit(const HttpRequest& head) {
  Admission out;
  auto target = parse_target(head.target);
  ApiMatch match;
  if (target) match = match_route(head.method, target.value().segments);
  const bool is_open = match.route != nullptr && match.route->answer == ApiAnswer::health;
  const ApiRight right = out.right =
      head.has_two_authorizations ? ApiRight::none : right_of(settings_.tokens, head.authorization);
  // A stranger learns nothing of what there is.
  if ((out.refusal = check_client(head, right, is_open || head.has_two_authorizations))) return out;
  // A proxy in front may have looked at the other one.
  if (head.has_two_authorizations) {
    out.refusal = problem(400, "Authorization stands there twice");
    return out;
  }
  if (!target) {
    out.refusal = problem(400, target.error().text);
  } else if (match.allowed.empty()) {
    out.refusal =
        problem(404, "there is nothing under this path; /openapi.json tells what there is");
  } else if (match.route == nullptr) {
    out.refusal = problem(405, "this path has: " + match.allowed);
    out.refusal->headers.emplace_back("Allow", match.allowed);
  } else if (match.route->changes && right != ApiRight::change) {
    out.refusal = problem(403,
                          "this token may look and change nothing; use that of "
                          "api.token_file");
  } else {
    out.refusal = check_body(*match.route, head);
  }
  if (out.refusal) return out;
  out.route = match.route;
  out.argument = std::move(match.argument);
  out.target = std::move(target).value();
  return out;
}

HttpReply Api::command(const Admission& admission, const HttpRequest& request) const {
  const ApiRoute& route = *admission.route;
  nlohmann::json asked = {{"command", route.command}};
  std::string fault = take_query(route, admission.target, asked);
  if (!route.variable.empty()) asked[std::string(route.variable)] = admission.argument;
  if (fault.empty() && route.body != ApiBody::none) fault = take_body(route, request.body, asked);
  if (!fault.empty()) return problem(400, fault);
  nlohmann::json reply = links_.ask(std::move(asked));
  name_as_asked(route, reply);
  return reply_of(std::move(reply));
}

HttpReply Api::answer(const Admission& admission, const HttpRequest& request) const {
  switch (admission.route->answer) {
    case ApiAnswer::command:
      return command(admission, request);
    case ApiAnswer::metrics:
      return {.content_type = "text/plain; version=0.0.4; charset=utf-8",
              .body = links_.metrics(),
              .headers = {}};
    case ApiAnswer::document:
      return {.body = to_text(api_document(settings_.version)), .headers = {}};
    case ApiAnswer::health:
      if (!links_.is_alive()) return busy("the control thread stands still");
      return {.body = to_text({{"status", "ok"}}), .headers = {}};
    case ApiAnswer::stream:
      break;
  }
  return problem(500, "a stream is not answered at once");
}

}  // namespace edgesentry::serve
