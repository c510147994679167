// A configuration that is right, to be made wrong in one place; and what came of it.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "config/load.h"

namespace edgesentry::config {

inline std::string good_text() {
  return R"(mode = "enforce"

[[segment]]
name = "uplink"
outside = "net_af_packet0,iface=eth1,qpairs=2"
inside = "net_af_packet1,iface=eth2,qpairs=2"
)";
}

inline Loaded load_good_and(std::string_view more) {
  return load_text(good_text() + std::string(more), "test.toml");
}

// The only problem about `key`, or one that says there is none or several.
inline Problem only_problem_about(const Loaded& loaded, std::string_view key) {
  const auto is_about = [&](const Problem& problem) { return problem.key == key; };
  const auto found = std::ranges::find_if(loaded.problems, is_about);
  Problem none;
  none.fault = "expected one problem about " + std::string(key) + ", got:\n" + loaded.to_string();
  return loaded.problems.size() == 1 && found != loaded.problems.end() ? *found : none;
}

inline bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace edgesentry::config
