// Where each key of a loaded file stands, for rules that look at several keys. Private to this
// folder.
#pragma once

#include <map>
#include <set>
#include <string>

#include "config/problem.h"

namespace edgesentry::config {

struct Position {
  unsigned line = 0;
  unsigned column = 0;
};

struct Origins {
  std::string file;
  std::map<std::string, Position> at;  // "detect.window", "segment[0]", "segment[0].inside"
  std::set<std::string> spoiled;       // refused keys and sections; "" is everything

  // The file has the key, and its value was taken.
  [[nodiscard]] bool gives(const std::string& key) const {
    return at.contains(key) && !is_spoiled(key);
  }
  // Already complained about: what the tree holds is not what the operator meant.
  [[nodiscard]] bool is_spoiled(const std::string& key) const {
    const auto dot = key.rfind('.');
    return spoiled.contains("") || spoiled.contains(key) ||
           (dot != std::string::npos && spoiled.contains(key.substr(0, dot)));
  }
  // The key's place, or else its section's, or else none.
  [[nodiscard]] Position place_of(const std::string& key) const {
    if (const auto found = at.find(key); found != at.end()) return found->second;
    const auto dot = key.rfind('.');
    if (dot == std::string::npos) return {};
    const auto section = at.find(key.substr(0, dot));
    return section == at.end() ? Position{} : section->second;
  }
};

}  // namespace edgesentry::config
