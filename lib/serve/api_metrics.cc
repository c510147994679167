#include "serve/api_metrics.h"

#include <array>

namespace edgesentry::serve {
namespace {

double value_of(const ApiNumbers::Count& count) {
  return static_cast<double>(count.load(std::memory_order_relaxed));
}

struct Labelled {
  std::string_view label;
  ApiNumbers::Count ApiNumbers::*count;
};
constexpr auto kConnections = std::to_array<Labelled>({{"accepted", &ApiNumbers::accepted},
                                                       {"refused", &ApiNumbers::refused},
                                                       {"displaced", &ApiNumbers::displaced},
                                                       {"cut_off", &ApiNumbers::cut_off}});
constexpr auto kRefusals = std::to_array<Labelled>({{"token", &ApiNumbers::wrong_tokens},
                                                    {"rate", &ApiNumbers::limited},
                                                    {"length", &ApiNumbers::too_long},
                                                    {"busy", &ApiNumbers::busy}});

}  // namespace

void add_api_metrics(Families& out, const ApiNumbers& numbers) {
  for (std::size_t i = 0; i < kApiMethods.size(); ++i)
    for (std::size_t j = 0; j < kApiClasses.size(); ++j)
      out.add("edgesentry_api_requests_total",
              {{"method", std::string(kApiMethods[i])}, {"code", std::string(kApiClasses[j])}},
              value_of(numbers.requests[i][j]));
  for (const Labelled& row : kConnections)
    out.add("edgesentry_api_connections_total", {{"result", std::string(row.label)}},
            value_of(numbers.*row.count));
  for (const Labelled& row : kRefusals)
    out.add("edgesentry_api_refusals_total", {{"reason", std::string(row.label)}},
            value_of(numbers.*row.count));
  out.add("edgesentry_api_connections", value_of(numbers.connections));
  out.add("edgesentry_api_streams", value_of(numbers.streams));
  out.add("edgesentry_api_streams_dropped_total", value_of(numbers.streams_dropped));
  out.add("edgesentry_api_events_missed_total", value_of(numbers.events_missed));
}

}  // namespace edgesentry::serve
