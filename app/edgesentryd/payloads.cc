#include "edgesentryd/payloads.h"

#include "signature/pattern_source.h"

namespace edgesentry::appliance {

base::Result<std::shared_ptr<const signature::Database>> open_patterns(
    const config::Payload& payload, const std::function<void(std::string_view)>& say) {
  if (!payload.enabled) return std::shared_ptr<const signature::Database>();
  const signature::OpenedPatterns opened = signature::open_patterns(
      {.path = payload.patterns, .cache_folder = payload.cache, .is_verified = true});
  for (const std::string& notice : opened.notices) say(notice);
  if (!opened.problems.empty()) return base::Error{opened.problem_lines()};
  return opened.database;
}

}  // namespace edgesentry::appliance
