#include "edgesentry-nft/ruleset.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace edgesentry::nft {
namespace {

constexpr int kPriority = -300;  // raw: before connection tracking costs anything
constexpr const char* kDevice = "dev";

Json set(const std::string& family, const char* name, const char* type) {
  return {{"set",
           {{"family", family},
            {"table", kTableName},
            {"name", name},
            {"type", type},
            {"flags", Json::array({"timeout"})}}}};
}

Json chain(const std::string& family, const std::string& name, const char* hook) {
  return {{"chain",
           {{"family", family},
            {"table", kTableName},
            {"name", name},
            {"type", "filter"},
            {"hook", hook},
            {"prio", kPriority},
            {"policy", "accept"}}}};
}

std::string mask_of(std::uint8_t prefix) {
  std::array<std::uint8_t, 16> bytes{};
  for (unsigned bit = 0; bit < prefix; ++bit)
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] | 0x80u >> bit % 8);
  return base::Ip::from_bytes(bytes).to_string();
}

struct Match {
  const char* protocol;
  const char* set;
  std::uint8_t prefix;  // 128: the address as it is
};

Json rule(const std::string& family, const std::string& chain, const Match& match) {
  Json left = {{"payload", {{"protocol", match.protocol}, {"field", "saddr"}}}};
  if (match.prefix < 128) left = {{"&", Json::array({left, mask_of(match.prefix)})}};
  const Json expressions = Json::array(
      {{{"match", {{"op", "=="}, {"left", left}, {"right", fmt::format("@{}", match.set)}}}},
       {{"counter", {{"packets", 0}, {"bytes", 0}}}},
       {{"drop", nullptr}}});
  return {{"rule",
           {{"family", family}, {"table", kTableName}, {"chain", chain}, {"expr", expressions}}}};
}

std::vector<Json> table_and_sets(const std::string& family) {
  return {{{"table", {{"family", family}, {"name", kTableName}}}},
          set(family, "blocked4", "ipv4_addr"),
          set(family, "blocked6", "ipv6_addr")};
}

void add_chain(std::vector<Json>& out, Json made, std::uint8_t ipv6_prefix) {
  const std::string family = made["chain"]["family"], name = made["chain"]["name"];
  out.push_back(std::move(made));
  out.push_back(rule(family, name, {"ip", "blocked4", 128}));
  out.push_back(rule(family, name, {"ip6", "blocked6", ipv6_prefix}));
}

// As wanted() writes it: nft lists no device of a chain (1.0.6), and counts go on.
Json normal(const Json& object) {
  Json result = object;
  for (auto& [kind, value] : result.items()) {
    if (!value.is_object()) continue;
    value.erase("handle");
    value.erase("elem");
    if (kind == "chain") value.erase(kDevice);
    if (kind != "rule" || !value.contains("expr")) continue;
    for (Json& expression : value["expr"])
      if (expression.is_object() && expression.contains("counter"))
        expression["counter"] = {{"packets", 0}, {"bytes", 0}};
  }
  return result;
}

// nft names the table of a table "name".
bool is_ours(const Json& object, const std::string& family) {
  for (const auto& [kind, value] : object.items())
    if (value.is_object() && value.value("family", "") == family &&
        value.value(kind == "table" ? "name" : "table", "") == kTableName)
      return true;
  return false;
}

bool is_rule(const Json& object) {
  return object.contains("rule");
}

// The order of rules counts within their chain, that of everything else does not.
std::vector<std::string> in_order(std::vector<Json> objects) {
  std::ranges::stable_sort(objects, {}, [](const Json& object) {
    return is_rule(object) ? fmt::format("rule {}", object["rule"].value("chain", ""))
                           : object.dump();
  });
  std::vector<std::string> lines;
  for (const Json& object : objects) lines.push_back(object.dump());
  return lines;
}

std::string element_text(const enforce::NftElement& element, bool has_timeout) {
  if (!has_timeout || element.timeout_s == 0)
    return fmt::format("\"{}\"", element.source.to_string());
  return fmt::format(R"({{"elem":{{"val":"{}","timeout":{}}}}})", element.source.to_string(),
                     element.timeout_s);
}

struct Step {
  const char* verb;
  bool is_last;  // the one that adds what is to stay
};

// Of one family and one set, "" when it has no elements to touch.
std::string step_text(const Step& step, const std::string& family, bool is_v4,
                      std::span<const enforce::NftElement> elements) {
  std::string list;
  for (const enforce::NftElement& element : elements) {
    if (element.source.is_v4() != is_v4 || (step.is_last && !element.is_blocked)) continue;
    if (!list.empty()) list += ',';
    list += element_text(element, step.is_last);
  }
  if (list.empty()) return {};
  return fmt::format(
      R"({{"{}":{{"element":{{"family":"{}","table":"{}","name":"{}","elem":[{}]}}}}}},)",
      step.verb, family, kTableName, is_v4 ? "blocked4" : "blocked6", list);
}

}  // namespace

std::vector<std::string> families(const Settings& settings) {
  std::vector<std::string> names;
  if (settings.has_inet) names.emplace_back("inet");
  if (!settings.devices.empty()) names.emplace_back("netdev");
  return names;
}

std::vector<Json> wanted(const Settings& settings, const std::string& family,
                         std::span<const Device> devices) {
  std::vector<Json> objects = table_and_sets(family);
  if (family == "inet") {
    for (const char* hook : {"input", "forward"})
      add_chain(objects, chain(family, hook, hook), settings.ipv6_prefix);
    return objects;
  }
  for (std::size_t i = 0; i < devices.size(); ++i) {
    if (devices[i].index == 0) continue;
    Json made = chain(family, fmt::format("ingress{}", i), "ingress");
    made["chain"][kDevice] = devices[i].name;
    add_chain(objects, std::move(made), settings.ipv6_prefix);
  }
  return objects;
}

Json creation(std::span<const Json> wanted) {
  Json commands = Json::array();
  for (const Json& object : wanted) {
    commands.push_back({{"add", object}});
    if (!object.contains("chain")) continue;
    const Json& made = object["chain"];
    commands.push_back(
        {{"flush",
          {{"chain",
            {{"family", made["family"]}, {"table", made["table"]}, {"name", made["name"]}}}}}});
  }
  return {{"nftables", commands}};
}

Json deletion(const std::string& family) {
  const Json table = {{"table", {{"family", family}, {"name", kTableName}}}};
  return {{"nftables", Json::array({{{"add", table}}, {{"delete", table}}})}};
}

bool shows(const Json& listing, const std::string& family, std::span<const Json> wanted) {
  if (!listing.is_object() || !listing.contains("nftables") || !listing["nftables"].is_array())
    return false;
  std::vector<Json> shown, expected;
  for (const Json& object : listing["nftables"])
    if (object.is_object() && is_ours(object, family)) shown.push_back(normal(object));
  std::ranges::transform(wanted, std::back_inserter(expected), normal);
  return in_order(std::move(shown)) == in_order(std::move(expected));
}

bool shows_earlier(const Json& listing, const std::string& family) {
  if (!listing.is_object() || !listing.contains("nftables") || !listing["nftables"].is_array())
    return false;
  std::vector<Json> shown, chains;
  for (const Json& object : listing["nftables"]) {
    if (!object.is_object() || !is_ours(object, family)) continue;
    shown.push_back(normal(object));
    if (object.contains("chain")) chains.push_back(object["chain"]);
  }
  for (unsigned prefix = 1; prefix <= 128; ++prefix) {
    std::vector<Json> expected = table_and_sets(family);
    for (const Json& shown_chain : chains) {
      const std::string name = shown_chain.value("name", "");
      const bool is_inet = family == "inet" && (name == "input" || name == "forward");
      const bool is_ingress = family == "netdev" && name.starts_with("ingress");
      if (!is_inet && !is_ingress) return false;
      add_chain(expected, chain(family, name, is_inet ? name.c_str() : "ingress"),
                static_cast<std::uint8_t>(prefix));
    }
    std::ranges::transform(expected, expected.begin(), normal);
    if (in_order(shown) == in_order(std::move(expected))) return true;
    if (chains.empty()) break;
  }
  return false;
}

std::uint64_t counted(const Json& listing, const std::string& family) {
  std::uint64_t sum = 0;
  if (!listing.is_object() || !listing.contains("nftables") || !listing["nftables"].is_array())
    return sum;
  for (const Json& object : listing["nftables"]) {
    if (!object.is_object() || !is_rule(object) || !is_ours(object, family)) continue;
    const Json expressions = object["rule"].value("expr", Json::array());
    for (const Json& expression : expressions)
      if (expression.is_object() && expression.contains("counter"))
        sum += expression["counter"].value("packets", std::uint64_t{0});
  }
  return sum;
}

std::string batch(std::span<const std::string> families,
                  std::span<const enforce::NftElement> elements) {
  std::string text = R"({"nftables":[)";
  for (const std::string& family : families)
    for (const Step step : {Step{"add", false}, Step{"delete", false}, Step{"add", true}})
      for (const bool is_v4 : {true, false}) text += step_text(step, family, is_v4, elements);
  if (text.ends_with(',')) text.pop_back();
  return text + "]}";
}

}  // namespace edgesentry::nft
