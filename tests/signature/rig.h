// Pattern files in a line, payloads out of texts, and matchers of them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "signature/matcher.h"

namespace edgesentry::signature {

inline std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

struct Entry {
  std::string id = "one";
  std::string expression = "abc";
  std::string kind = "exploit";
  std::string side = "client";
  std::string ports = "";
  std::string protocol = "tcp";
  std::string flags = "";
};

inline std::string text_of(const Entry& entry) {
  return "[[pattern]]\nid = '" + entry.id + "'\nkind = '" + entry.kind + "'\nexpression = '" +
         entry.expression + "'\nflags = [" + entry.flags + "]\nprotocol = '" + entry.protocol +
         "'\nside = '" + entry.side + "'\nports = '" + entry.ports +
         "'\ntool = 't'\nservice = 's'\nseverity = 'low'\ndescription = 'd'\nmatches = ['abc']\n"
         "spares = ['abd']\n";
}

inline std::shared_ptr<const Database> database_of(const std::vector<Entry>& entries) {
  std::string text;
  for (const Entry& entry : entries) text += text_of(entry);
  const Compiled compiled = compile(parse_patterns(text, "p.toml"));
  for (const config::Problem& problem : compiled.problems) ADD_FAILURE() << problem.to_string();
  return compiled.database;
}

inline std::unique_ptr<Matcher> matcher_of(std::shared_ptr<const Database> database,
                                           const MatcherLimits& limits = {}) {
  auto matcher = Matcher::create(std::move(database), limits);
  EXPECT_TRUE(matcher.ok());
  return std::move(matcher.value());
}

inline std::string ids_of(const Matcher& matcher, const Hits& hits) {
  std::vector<std::string> ids;
  for (const std::uint16_t index : hits.indices())
    ids.push_back(matcher.database().patterns()[index].id);
  std::ranges::sort(ids);
  std::string text;
  for (const std::string& id : ids) text += (text.empty() ? "" : " ") + id;
  return text;
}

}  // namespace edgesentry::signature
