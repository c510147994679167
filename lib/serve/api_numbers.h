// The HTTP API's numbers; several threads write, anybody reads.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace edgesentry::serve {

inline constexpr std::array<std::string_view, 5> kApiMethods = {"GET", "POST", "PUT", "DELETE",
                                                                "other"};
inline constexpr std::array<std::string_view, 3> kApiClasses = {"2xx", "4xx", "5xx"};

struct ApiNumbers {
  using Count = std::atomic<std::uint64_t>;  // relaxed: each stands for itself

  std::array<std::array<Count, kApiClasses.size()>, kApiMethods.size()> requests{};
  Count connections{0};  // gauge
  Count accepted{0};
  Count refused{0};    // above a limit of connections
  Count displaced{0};  // without a token, for a newcomer above a limit
  Count cut_off{0};    // too slow to ask, or to read
  Count wrong_tokens{0}, limited{0}, too_long{0}, busy{0};
  Count streams{0};  // gauge
  Count streams_dropped{0};
  Count events_missed{0};  // the feed's queue was full

  void count(std::string_view method, unsigned status) noexcept {
    std::size_t row = 0;
    while (row + 1 < kApiMethods.size() && kApiMethods[row] != method) ++row;
    const std::size_t column = status < 400 ? 0 : status < 500 ? 1 : 2;
    requests[row][column].fetch_add(1, std::memory_order_relaxed);
  }
};

}  // namespace edgesentry::serve
