#include "serve/api_document.h"

#include <algorithm>
#include <string>

#include "control/commands.h"
#include "serve/api_routes.h"
#include "serve/http_message.h"

namespace edgesentry::serve {
namespace {

using Json = nlohmann::json;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

Json content(const char* type, Json schema) {
  return {{type, {{"schema", std::move(schema)}}}};
}

const control::CommandRow* command_of(const ApiRoute& route) {
  const auto rows = control::command_table();
  const auto row = std::ranges::find(rows, route.command, &control::CommandRow::name);
  return row == rows.end() ? nullptr : &*row;
}

// The members of the command are those of the body.
Json body_schema(const ApiRoute& route) {
  const control::CommandRow* row = command_of(route);
  Json properties = Json::object(), required = Json::array();
  if (route.body == ApiBody::array) {
    Json entry = {{"type", "object"},
                  {"required", {"address"}},
                  {"properties",
                   {{"address", {{"type", "string"}}},
                    {"for", {{"type", "string"}}},
                    {"reason", {{"type", "string"}}}}}};
    return {{"type", "array"},
            {"maxItems", 1000},
            {"items", {{"oneOf", {{{"type", "string"}}, std::move(entry)}}}}};
  }
  if (row == nullptr) return {{"type", "object"}};
  for (const control::CommandMember& member : row->members) {
    properties[std::string(member.name)] = {{"type", "string"}, {"description", member.help}};
    if (member.is_required) required.push_back(member.name);
  }
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", std::move(required)},
          {"additionalProperties", false}};
}

Json parameters(const ApiRoute& route) {
  Json list = Json::array();
  const std::size_t open = route.path.find('{');
  if (open != std::string_view::npos)
    list.push_back({{"name", route.path.substr(open + 1, route.path.find('}') - open - 1)},
                    {"in", "path"},
                    {"required", true},
                    {"schema", {{"type", "string"}}}});
  for (const ApiParameter& parameter : route.query)
    list.push_back({{"name", parameter.name},
                    {"in", "query"},
                    {"description", parameter.help},
                    {"schema", {{"type", parameter.is_number ? "integer" : "string"}}}});
  if (route.answer == ApiAnswer::stream)
    list.push_back({{"name", "Last-Event-ID"}, {"in", "header"}, {"schema", {{"type", "string"}}}});
  return list;
}

Json good_reply(const ApiRoute& route) {
  if (route.answer == ApiAnswer::metrics) return content("text/plain", {{"type", "string"}});
  if (route.answer == ApiAnswer::stream) return content("text/event-stream", {{"type", "string"}});
  Json properties = Json::object(), required = Json::array();
  for (const ApiField& field : route.fields) {
    properties[std::string(field.name)] = {{"type", field.type}};
    if (field.type == "array") properties[std::string(field.name)]["items"] = Json::object();
    required.push_back(field.name);
  }
  Json schema = {{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = std::move(required);
  return content("application/json", std::move(schema));
}

Json responses(const ApiRoute& route) {
  Json out = Json::object();
  for (const unsigned status : statuses_of(route)) {
    Json& row = out[std::to_string(status)];
    row = {{"description", reason_of(status)}};
    row["content"] = status < 300 ? good_reply(route)
                                  : content("application/problem+json",
                                            {{"$ref", "#/components/schemas/Problem"}});
  }
  return out;
}

Json operation(const ApiRoute& route) {
  Json out = {{"summary", route.summary}, {"responses", responses(route)}};
  if (Json list = parameters(route); !list.empty()) out["parameters"] = std::move(list);
  if (route.body != ApiBody::none)
    out["requestBody"] = {{"required", true},
                          {"content", content("application/json", body_schema(route))}};
  if (route.answer == ApiAnswer::health) out["security"] = Json::array();
  return out;
}

}  // namespace

Json api_document(std::string_view version) {
  Json paths = Json::object();
  for (const ApiRoute& route : api_routes())
    paths[std::string(route.path)][lower(route.method)] = operation(route);
  const Json problem = {{"type", "object"},
                        {"required", {"type", "title", "status", "detail"}},
                        {"properties",
                         {{"type", {{"type", "string"}}},
                          {"title", {{"type", "string"}}},
                          {"status", {{"type", "integer"}}},
                          {"detail", {{"type", "string"}}},
                          {"code", {{"type", "string"}}},
                          {"items", {{"type", "array"}, {"items", Json::object()}}}}}};
  return {{"openapi", "3.0.3"},
          {"info", {{"title", "EdgeSentry"}, {"version", version}}},
          {"security", Json::array({{{"token", Json::array()}}})},
          {"paths", std::move(paths)},
          {"components",
           {{"schemas", {{"Problem", problem}}},
            {"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}}}}};
}

}  // namespace edgesentry::serve
