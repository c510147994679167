#include "config/suggest.h"

#include <algorithm>
#include <vector>

namespace edgesentry::config {
namespace {
constexpr std::size_t kWordLengthMax = 64;  // longer ones are no typing mistakes
}

// Optimal string alignment, the restricted Damerau-Levenshtein distance.
unsigned edit_distance(std::string_view a, std::string_view b) {
  const std::size_t width = b.size() + 1;
  std::vector<unsigned> cost((a.size() + 1) * width);
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      unsigned& here = cost[i * width + j];
      if (i == 0 || j == 0) {
        here = static_cast<unsigned>(i + j);
        continue;
      }
      here = std::min({cost[(i - 1) * width + j] + 1, cost[i * width + j - 1] + 1,
                       cost[(i - 1) * width + j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        here = std::min(here, cost[(i - 2) * width + j - 2] + 1);
    }
  }
  return cost.back();
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
  if (word.size() > kWordLengthMax) return {};
  std::string_view best;
  unsigned best_distance = std::max<unsigned>(2, static_cast<unsigned>(word.size()) / 3) + 1;
  for (const std::string_view candidate : known) {
    const unsigned distance = edit_distance(word, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace edgesentry::config
