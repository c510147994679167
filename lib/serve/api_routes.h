// Every request that the HTTP API answers, in one table: routing, translation into commands and
// /openapi.json all read it, so that none can know what another does not. Constant data.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace edgesentry::serve {

enum class ApiAnswer : std::uint8_t { command, metrics, document, health, stream };
enum class ApiBody : std::uint8_t { none, object, array };  // array: member "items" of the command

struct ApiParameter {
  std::string_view name;    // in the query
  std::string_view member;  // of the command
  bool is_number = false;
  std::string_view help;
};
struct ApiField {  // of a reply, always there
  std::string_view name;
  std::string_view type;  // as JSON Schema calls it
};

struct ApiRoute {
  std::string_view method;
  std::string_view path;  // "/v1/blocks/{address}": one variable segment at most, the last
  ApiAnswer answer = ApiAnswer::command;
  std::string_view command = {};  // of control/commands.h
  bool changes = false;           // the token that may only look is refused
  std::string_view summary;
  std::span<const ApiParameter> query = {};
  std::string_view variable = {};  // the member that the variable segment becomes
  ApiBody body = ApiBody::none;
  std::span<const ApiField> fields = {};
  std::span<const unsigned> faults = {};  // beside those of every route
};

[[nodiscard]] std::span<const ApiRoute> api_routes() noexcept;

struct ApiMatch {
  const ApiRoute* route = nullptr;  // nullptr: no such path, or not with this method
  std::string argument;             // the variable segment
  std::string allowed;              // methods that the path has; empty: there is no such path
};
[[nodiscard]] ApiMatch match_route(std::string_view method,
                                   const std::vector<std::string>& segments);

// Statuses that this route can answer with, ascending, the good one first.
[[nodiscard]] std::vector<unsigned> statuses_of(const ApiRoute& route);

}  // namespace edgesentry::serve
