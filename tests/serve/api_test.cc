#include "serve/api.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "control/commands.h"
#include "serve/api_document.h"

namespace edgesentry::serve {
namespace {

using Json = nlohmann::json;

const std::string kChange(32, 'c'), kLook(32, 'l');
constexpr std::size_t kBodyMax = 1024;

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

// A route's path with something in the place of its variable.
std::string target_of(const ApiRoute& route) {
  return std::string(route.path.substr(0, route.path.find('{'))) +
         (route.path.find('{') == std::string_view::npos ? "" : "203.0.113.7");
}

std::string header_of(const HttpReply& reply, std::string_view name) {
  for (const auto& [key, value] : reply.headers)
    if (key == name) return value;
  return {};
}

class ApiTest : public testing::Test {
 protected:
  static HttpRequest request(std::string method, std::string target,
                             const std::string& token = kChange) {
    HttpRequest out;
    out.method = std::move(method);
    out.target = std::move(target);
    out.content_type = "application/json";
    out.authorization = token.empty() ? "" : "Bearer " + token;
    out.client = base::Ip::v4(0xcb007107);
    return out;
  }
  static HttpRequest request_for(const ApiRoute& route, const std::string& token = kChange) {
    return request(std::string(route.method), target_of(route), token);
  }
  HttpReply ask(const HttpRequest& asked) {
    now_ += std::chrono::seconds(10);  // no test but that of the rates is about them
    auto admission = api_.admit(asked);
    return admission.refusal ? *admission.refusal : api_.answer(admission, asked);
  }
  unsigned refusal(const HttpRequest& asked) {
    now_ += std::chrono::seconds(10);
    const auto admission = api_.admit(asked);
    if (admission.refusal) {
      EXPECT_EQ(admission.refusal->content_type, "application/problem+json");
      EXPECT_EQ(Json::parse(admission.refusal->body)["status"], admission.refusal->status);
    }
    return admission.refusal ? admission.refusal->status : 0;
  }

  ApiNumbers numbers_;
  ApiClock::result_type now_{};
  Json asked_, reply_ = {{"ok", true}};
  bool is_alive_ = true;
  Api api_{{.tokens = {.change = kChange, .look = kLook},
            .requests_per_second = 5,
            .body_max = kBodyMax,
            .version = "1.2.3",
            .now = [this] { return now_; }},
           {.ask =
                [this](Json command) {
                  asked_ = std::move(command);
                  return reply_;
                },
            .metrics = [] { return std::string("up 1\n"); },
            .is_alive = [this] { return is_alive_; },
            .numbers = numbers_}};
};

TEST_F(ApiTest, answers_each_route_of_its_table_and_documents_it) {
  const Json document = Json::parse(ask(request("GET", "/openapi.json")).body);
  EXPECT_EQ(document["info"]["version"], "1.2.3");
  std::size_t documented = 0;
  for (const auto& [path, methods] : document["paths"].items()) documented += methods.size();
  EXPECT_EQ(documented, api_routes().size());
  for (const ApiRoute& route : api_routes()) {
    SCOPED_TRACE(fmt::format("{} {}", route.method, route.path));
    const Json& operation =
        document["paths"][std::string(route.path)][lower(std::string(route.method))];
    std::vector<std::string> statuses;
    for (const auto& [status, what] : operation["responses"].items()) statuses.push_back(status);
    std::vector<std::string> wanted;
    for (const unsigned status : statuses_of(route)) wanted.push_back(std::to_string(status));
    EXPECT_EQ(statuses, wanted);
    EXPECT_EQ(operation.contains("requestBody"), route.body != ApiBody::none);
    EXPECT_EQ(refusal(request_for(route)), 0U);
  }
}

TEST_F(ApiTest, knows_the_command_of_each_route_and_its_members) {
  for (const ApiRoute& route : api_routes()) {
    if (route.answer != ApiAnswer::command) continue;
    SCOPED_TRACE(fmt::format("{} {}", route.method, route.path));
    const auto rows = control::command_table();
    const auto row = std::ranges::find(rows, route.command, &control::CommandRow::name);
    ASSERT_NE(row, rows.end());
    // What only a token may change is exactly what the command changes.
    EXPECT_EQ(route.changes, row->changes);
    EXPECT_EQ(route.changes, route.method != "GET");
    const auto has = [&](std::string_view name) {
      return std::ranges::find(row->members, name, &control::CommandMember::name) !=
             row->members.end();
    };
    for (const ApiParameter& parameter : route.query)
      EXPECT_TRUE(has(parameter.member)) << parameter.member;
    EXPECT_TRUE(route.variable.empty() || has(route.variable)) << route.variable;
  }
}

TEST_F(ApiTest, names_what_is_wrong_as_the_query_does) {
  reply_ = {{"ok", false}, {"error", "\"count\": 0 will not do; write a whole number"}};
  const HttpReply told = ask(request("GET", "/v1/blocks?limit=0"));
  EXPECT_EQ(told.status, 400u);
  EXPECT_EQ(Json::parse(told.body)["detail"], "\"limit\": 0 will not do; write a whole number");
  reply_ = {{"ok", false}, {"error", "the \"count\" of something else"}};
  EXPECT_EQ(Json::parse(ask(request("GET", "/v1/blocks?limit=0")).body)["detail"],
            "the \"count\" of something else");
}

TEST_F(ApiTest, has_no_route_twice) {
  std::set<std::string> seen;
  for (const ApiRoute& route : api_routes())
    EXPECT_TRUE(seen.insert(fmt::format("{} {}", route.method, route.path)).second);
}

TEST_F(ApiTest, finds_nothing_under_other_paths) {
  for (const char* target : {"/", "//", "/v1", "/v1/", "/v2/status", "/v1/status/", "/v1/status/x",
                             "//v1/status", "/V1/STATUS", "/v1/blocks/bulk", "/v1/blocks/1.2.3.4/x",
                             "/v1/explain", "/v1/explain/", "/v1/%2e%2e/v1/status", "/v1%2fstatus"})
    EXPECT_EQ(refusal(request("POST", target)),
              std::string(target) == "/v1/blocks/bulk" ? 405 : 404)
        << target;
}

TEST_F(ApiTest, says_which_methods_a_path_has) {
  for (const ApiRoute& route : api_routes()) {
    std::set<std::string> allowed;
    for (const ApiRoute& other : api_routes())
      if (other.path == route.path) allowed.emplace(other.method);
    for (const char* method :
         {"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "get", "", "G\x01"}) {
      if (allowed.contains(method)) continue;
      now_ += std::chrono::seconds(10);
      const auto admission = api_.admit(request(method, target_of(route)));
      ASSERT_TRUE(admission.refusal) << method << route.path;
      EXPECT_EQ(admission.refusal->status, 405U);
      const std::string told = ", " + header_of(*admission.refusal, "Allow") + ",";
      for (const std::string& one : allowed)
        EXPECT_NE(told.find(", " + one + ","), std::string::npos) << told << route.path;
      EXPECT_EQ(std::ranges::count(told, ','), static_cast<int>(allowed.size()) + 1) << told;
    }
  }
}

TEST_F(ApiTest, tells_a_stranger_nothing_but_whether_it_lives) {
  for (const ApiRoute& route : api_routes()) {
    const unsigned wanted = route.answer == ApiAnswer::health ? 0 : 401;
    EXPECT_EQ(refusal(request_for(route, "")), wanted) << route.path;
    EXPECT_EQ(refusal(request_for(route, std::string(32, 'x'))), wanted) << route.path;
  }
  // Nor what there is and what not, what is too long, what is badly written.
  auto long_one = request("POST", "/v1/blocks", "");
  long_one.content_length = kBodyMax + 1;
  EXPECT_EQ(refusal(long_one), 401U);
  for (const char* target : {"/nothing", "/v1/status%zz", "no path"})
    EXPECT_EQ(refusal(request("GET", target, "")), 401U) << target;
  EXPECT_EQ(refusal(request("PATCH", "/v1/status", "")), 401U);
  EXPECT_TRUE(asked_.is_null());
  EXPECT_EQ(header_of(ask(request("GET", "/v1/status", "")), "WWW-Authenticate"),
            "Bearer realm=\"edgesentry\"");
}

TEST_F(ApiTest, lets_the_token_that_may_look_change_nothing) {
  for (const ApiRoute& route : api_routes())
    EXPECT_EQ(refusal(request_for(route, kLook)), route.changes ? 403U : 0U) << route.path;
}

TEST_F(ApiTest, refuses_a_body_by_its_announced_length_before_it_comes) {
  for (const ApiRoute& route : api_routes()) {
    auto asked = request_for(route);
    asked.content_length = kBodyMax;
    EXPECT_EQ(refusal(asked), route.body == ApiBody::none ? 400U : 0U) << route.path;
    for (const std::uint64_t length : {std::uint64_t{kBodyMax} + 1, ~std::uint64_t{0}}) {
      asked.content_length = length;
      EXPECT_EQ(refusal(asked), 413U) << route.path;
    }
  }
  EXPECT_EQ(numbers_.too_long.load(), 2 * api_routes().size());
}

TEST_F(ApiTest, takes_a_body_of_json_only) {
  auto asked = request("POST", "/v1/blocks");
  for (const char* type :
       {"", "text/plain", "application/jsonx", "application/x-www-form-urlencoded"}) {
    asked.content_type = type;
    EXPECT_EQ(refusal(asked), 415U) << type;
  }
  for (const char* type : {"application/json", "Application/JSON; charset=utf-8"}) {
    asked.content_type = type;
    EXPECT_EQ(refusal(asked), 0U) << type;
  }
}

TEST_F(ApiTest, refuses_bodies_that_are_no_request_without_asking_anybody) {
  auto asked = request("POST", "/v1/blocks");
  for (const char* body : {"", "{", "[]", "null", "{\"command\":\"bypass\"}", "{}{}",
                           "{\"address\":\"192.0.2.1\",\"address\":\"192.0.2.2\"}"}) {
    asked.body = body;
    EXPECT_EQ(ask(asked).status, 400U) << body;
  }
  asked = request("POST", "/v1/blocks/bulk/add");
  asked.body = "{}";
  EXPECT_EQ(ask(asked).status, 400U);
  EXPECT_TRUE(asked_.is_null());
}

TEST_F(ApiTest, makes_a_command_of_path_query_and_body) {
  EXPECT_EQ(ask(request("DELETE", "/v1/allow/2001%3adb8%3a%3a%2F32")).status, 200U);
  EXPECT_EQ(asked_, Json({{"command", "unallow"}, {"address", "2001:db8::/32"}}));
  ask(request("GET", "/v1/blocks?limit=7&within=192.0.2.0%2f24"));
  EXPECT_EQ(asked_, Json({{"command", "blocked"}, {"count", 7}, {"within", "192.0.2.0/24"}}));
  auto asked = request("POST", "/v1/blocks");
  asked.body = R"({"address":"192.0.2.1","for":"1h"})";
  ask(asked);
  EXPECT_EQ(asked_, Json({{"command", "block"}, {"address", "192.0.2.1"}, {"for", "1h"}}));
}

TEST_F(ApiTest, refuses_parameters_that_it_does_not_know_or_has_twice) {
  for (const char* query :
       {"no=1", "limit=1&limit=1", "limit=", "limit=-1", "limit=1x", "limit=1e3",
        "limit=99999999999999999999", "command=bypass", "address=1"})
    EXPECT_EQ(ask(request("GET", std::string("/v1/blocks?") + query)).status, 400U) << query;
  EXPECT_TRUE(asked_.is_null());
}

TEST_F(ApiTest, says_in_http_what_went_wrong_with_a_command) {
  const std::vector<std::pair<Json, unsigned>> rows = {
      {{{"ok", false}, {"error", "no"}}, 400},
      {{{"ok", false}, {"error", "no"}, {"code", "not_found"}}, 404},
      {{{"ok", false}, {"error", "no"}, {"code", "conflict"}}, 409},
      {{{"ok", false}, {"error", "no"}, {"code", "full"}}, 409},
      {{{"ok", false}, {"error", "no"}, {"problems", {"a"}}}, 422},
      {{{"ok", false}, {"error", "no"}, {"code", "busy"}}, 503},
      {{{"ok", false}, {"error", "no"}, {"code", "stopping"}}, 503},
      {{{"ok", false}, {"error", "no"}, {"code", "timeout"}}, 504},
      {Json(), 500}};
  for (const auto& [reply, status] : rows) {
    reply_ = reply;
    const HttpReply found = ask(request("GET", "/v1/status"));
    EXPECT_EQ(found.status, status) << reply;
    EXPECT_EQ(header_of(found, "Retry-After"), status == 503 ? "1" : "");
  }
}

TEST_F(ApiTest, is_healthy_only_while_control_goes_round) {
  EXPECT_EQ(ask(request("GET", "/healthz", "")).status, 200U);
  is_alive_ = false;
  EXPECT_EQ(ask(request("GET", "/healthz", "")).status, 503U);
}

TEST_F(ApiTest, limits_a_client_and_says_when_to_come_again) {
  const auto asked = request("GET", "/v1/status");
  for (int i = 0; i < 10; ++i) ASSERT_FALSE(api_.admit(asked).refusal) << i;
  const auto refused = api_.admit(asked);
  ASSERT_TRUE(refused.refusal);
  EXPECT_EQ(refused.refusal->status, 429U);
  EXPECT_EQ(header_of(*refused.refusal, "Retry-After"), "1");
  EXPECT_EQ(numbers_.limited.load(), 1U);
  now_ += std::chrono::seconds(1);
  EXPECT_FALSE(api_.admit(asked).refusal);
}

TEST_F(ApiTest, does_not_lock_out_the_right_token_because_others_guess_beside_it) {
  const auto guess = request("GET", "/v1/status", std::string(32, 'x'));
  std::vector<unsigned> seen;
  for (int i = 0; i < 100; ++i) seen.push_back(api_.admit(guess).refusal->status);
  EXPECT_EQ(std::ranges::count(seen, 401U), 10);
  EXPECT_EQ(std::ranges::count(seen, 429U), 90);
  EXPECT_FALSE(api_.admit(request("GET", "/v1/status")).refusal);
}

}  // namespace
}  // namespace edgesentry::serve
