#include "serve/api_routes.h"

#include <algorithm>
#include <array>

namespace edgesentry::serve {
namespace {

constexpr ApiParameter kLimit{"limit", "count", true, "how many at most"};
constexpr ApiParameter kCursor{"cursor", "cursor", true,
                               "where to go on: \"next\" of the reply before"};
constexpr ApiParameter kWithin{"within", "within", false,
                               "only sources inside this address or CIDR block"};

constexpr std::array kBlocksQuery = {
    kLimit,
    kCursor,
    kWithin,
    ApiParameter{"family", "family", false, "ipv4 or ipv6"},
    ApiParameter{"technique", "technique", false, "such as tcp_syn"},
    ApiParameter{"shape", "shape", false, "such as horizontal"}};
constexpr std::array kListQuery = {kLimit, kCursor};
constexpr std::array kTopQuery = {kLimit};
constexpr std::array kEventsQuery = {
    kLimit, ApiParameter{"since", "since", true, "only from this number on"}, kWithin,
    ApiParameter{"action", "action", false, "only this kind, such as source-blocked"}};

constexpr std::array kHistoryQuery = {
    kLimit,
    ApiParameter{"before", "before", true, "only before this number: \"next\" of the reply"},
    ApiParameter{"address", "address", false, "only of this source"},
    ApiParameter{"action", "action", false, "only this kind, such as source-blocked"},
    ApiParameter{"since", "since", false, "how long ago, such as 7d"},
    ApiParameter{"until", "until", false, "how long ago they end"}};

constexpr std::array kStatusFields = {
    ApiField{"version", "string"},  ApiField{"mode", "string"},
    ApiField{"bypass", "boolean"},  ApiField{"uptime_seconds", "integer"},
    ApiField{"workers", "integer"}, ApiField{"packets", "object"},
    ApiField{"blocks", "object"},   ApiField{"state", "object"},
    ApiField{"enforcers", "array"}, ApiField{"logs", "array"}};
constexpr std::array kBlocksFields = {ApiField{"sources", "array"}, ApiField{"blocked", "integer"},
                                      ApiField{"enforcement", "string"}};
constexpr std::array kBlockFields = {
    ApiField{"source", "string"}, ApiField{"for_seconds", "integer"}, ApiField{"until", "string"},
    ApiField{"renewed", "boolean"}, ApiField{"text", "string"}};
constexpr std::array kSourceFields = {ApiField{"source", "string"}, ApiField{"text", "string"}};
constexpr std::array kManyFields = {ApiField{"count", "integer"}, ApiField{"items", "array"}};
constexpr std::array kAllowedFields = {ApiField{"networks", "array"}};
constexpr std::array kAllowFields = {ApiField{"prefix", "string"}, ApiField{"changed", "boolean"},
                                     ApiField{"lifted", "integer"}};
constexpr std::array kUnallowFields = {ApiField{"prefix", "string"}, ApiField{"text", "string"}};
constexpr std::array kEventsFields = {ApiField{"events", "array"}, ApiField{"next", "integer"}};
constexpr std::array kHistoryFields = {ApiField{"events", "array"}};
constexpr std::array kTopFields = {ApiField{"sources", "array"}};
constexpr std::array kCheckFields = {
    ApiField{"good", "boolean"}, ApiField{"problems", "array"}, ApiField{"warnings", "array"},
    ApiField{"would_change", "array"}, ApiField{"needs_restart", "array"}};
constexpr std::array kReloadFields = {ApiField{"generation", "integer"},
                                      ApiField{"changed", "array"},
                                      ApiField{"needs_restart", "array"}};
constexpr std::array kBypassFields = {ApiField{"bypass", "boolean"}, ApiField{"changed", "boolean"},
                                      ApiField{"text", "string"}};
constexpr std::array kHealthFields = {ApiField{"status", "string"}};

constexpr std::array<unsigned, 1> kConflict = {409};
constexpr std::array<unsigned, 1> kNotFound = {404};
constexpr std::array<unsigned, 2> kNotFoundConflict = {404, 409};
constexpr std::array<unsigned, 1> kUnreadable = {422};

constexpr auto kRoutes = std::to_array<ApiRoute>({
    {.method = "GET",
     .path = "/healthz",
     .answer = ApiAnswer::health,
     .summary = "Whether the control thread goes round; needs no token",
     .fields = kHealthFields},
    {.method = "GET",
     .path = "/metrics",
     .answer = ApiAnswer::metrics,
     .summary = "Prometheus metrics"},
    {.method = "GET",
     .path = "/openapi.json",
     .answer = ApiAnswer::document,
     .summary = "This document"},
    {.method = "GET",
     .path = "/v1/status",
     .command = "status",
     .summary = "How the appliance is doing",
     .fields = kStatusFields},
    {.method = "GET",
     .path = "/v1/blocks",
     .command = "blocked",
     .summary = "Who is blocked, until when and why",
     .query = kBlocksQuery,
     .fields = kBlocksFields},
    {.method = "POST",
     .path = "/v1/blocks",
     .command = "block",
     .changes = true,
     .summary = "Block a source; answered when it is on disk",
     .body = ApiBody::object,
     .fields = kBlockFields,
     .faults = kConflict},
    {.method = "DELETE",
     .path = "/v1/blocks/{address}",
     .command = "unblock",
     .changes = true,
     .summary = "Let a source in again",
     .variable = "address",
     .fields = kSourceFields,
     .faults = kNotFound},
    {.method = "POST",
     .path = "/v1/blocks/bulk/add",
     .command = "block-many",
     .changes = true,
     .summary = "Block all of these, or none when one will not do",
     .body = ApiBody::array,
     .fields = kManyFields,
     .faults = kConflict},
    {.method = "POST",
     .path = "/v1/blocks/bulk/remove",
     .command = "unblock-many",
     .changes = true,
     .summary = "Let all of these in again, or none",
     .body = ApiBody::array,
     .fields = kManyFields},
    {.method = "GET",
     .path = "/v1/allow",
     .command = "allowed",
     .summary = "Who is never blocked, and why",
     .query = kListQuery,
     .fields = kAllowedFields},
    {.method = "POST",
     .path = "/v1/allow",
     .command = "allow",
     .changes = true,
     .summary = "Never block this network, until that is taken back",
     .body = ApiBody::object,
     .fields = kAllowFields,
     .faults = kConflict},
    {.method = "DELETE",
     .path = "/v1/allow/{network}",
     .command = "unallow",
     .changes = true,
     .summary = "Take that back",
     .variable = "address",
     .fields = kUnallowFields,
     .faults = kNotFoundConflict},
    {.method = "GET",
     .path = "/v1/events",
     .command = "events",
     .summary = "The last events",
     .query = kEventsQuery,
     .fields = kEventsFields},
    {.method = "GET",
     .path = "/v1/events/stream",
     .answer = ApiAnswer::stream,
     .summary = "Events as they happen (Server-Sent Events); Last-Event-ID goes on"},
    {.method = "GET",
     .path = "/v1/history",
     .command = "history",
     .summary = "Events of earlier days, newest first, each with its whole record",
     .query = kHistoryQuery,
     .fields = kHistoryFields,
     .faults = kConflict},
    {.method = "GET",
     .path = "/v1/explain/{address}",
     .command = "explain",
     .summary = "The story of one source, in words",
     .variable = "address"},
    {.method = "GET",
     .path = "/v1/top",
     .command = "top",
     .summary = "The sources with the most probes",
     .query = kTopQuery,
     .fields = kTopFields},
    {.method = "GET",
     .path = "/v1/config/check",
     .command = "check",
     .summary = "What a reload would do, without doing it",
     .fields = kCheckFields},
    {.method = "POST",
     .path = "/v1/reload",
     .command = "reload",
     .changes = true,
     .summary = "Read the configuration, the allow file and the patterns again",
     .fields = kReloadFields,
     .faults = kUnreadable},
    {.method = "PUT",
     .path = "/v1/bypass",
     .command = "bypass",
     .changes = true,
     .summary = "Let every packet pass at once, or end that",
     .body = ApiBody::object,
     .fields = kBypassFields},
});

bool fits(std::string_view path, const std::vector<std::string>& segments, std::string& argument) {
  path.remove_prefix(1);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view wanted = path.substr(0, end);
    const bool is_last = end == path.size();
    if (is_last != (i + 1 == segments.size())) return false;
    if (wanted.starts_with('{')) {
      if (segments[i].empty()) return false;
      argument = segments[i];
    } else if (wanted != segments[i]) {
      return false;
    }
    if (!is_last) path.remove_prefix(end + 1);
  }
  return true;
}

}  // namespace

std::span<const ApiRoute> api_routes() noexcept {
  return kRoutes;
}

ApiMatch match_route(std::string_view method, const std::vector<std::string>& segments) {
  ApiMatch match;
  for (const ApiRoute& route : kRoutes) {
    std::string argument;
    if (!fits(route.path, segments, argument)) continue;
    match.allowed += (match.allowed.empty() ? "" : ", ") + std::string(route.method);
    if (route.method != method) continue;
    match.route = &route;
    match.argument = std::move(argument);
  }
  return match;
}

std::vector<unsigned> statuses_of(const ApiRoute& route) {
  std::vector<unsigned> statuses = {200, 400, 429, 503};
  if (route.answer != ApiAnswer::health) statuses.push_back(401);
  if (route.answer == ApiAnswer::command) statuses.push_back(504);
  if (route.changes) statuses.push_back(403);
  if (route.body != ApiBody::none) statuses.insert(statuses.end(), {413, 415});
  statuses.insert(statuses.end(), route.faults.begin(), route.faults.end());
  std::ranges::sort(statuses);
  return statuses;
}

}  // namespace edgesentry::serve
