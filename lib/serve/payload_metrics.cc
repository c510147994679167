#include "serve/payload_metrics.h"

#include <algorithm>
#include <array>
#include <string>

namespace edgesentry::serve {
namespace {

using base::Counter;
using payload::WatchCounters;
using signature::MatcherCounters;

template <class Counters>
struct Row {
  std::string_view name;
  Counter Counters::*counter;
};
constexpr auto kOfMatcher = std::to_array<Row<MatcherCounters>>({
    {"edgesentry_payload_scanned_total", &MatcherCounters::payloads},
    {"edgesentry_payload_scanned_bytes_total", &MatcherCounters::bytes},
    {"edgesentry_payload_overruns_total", &MatcherCounters::payloads_refused},
    {"edgesentry_payload_overrun_bytes_total", &MatcherCounters::bytes_refused},
    {"edgesentry_payload_past_limit_bytes_total", &MatcherCounters::bytes_past_limits},
    {"edgesentry_payload_streams_evicted_total", &MatcherCounters::streams_replaced},
    {"edgesentry_payload_faults_total", &MatcherCounters::faults},
});
constexpr auto kOfWatch = std::to_array<Row<WatchCounters>>({
    {"edgesentry_payload_streams", &WatchCounters::streams},
    {"edgesentry_payload_dialogues", &WatchCounters::dialogues},
    {"edgesentry_payload_dialogues_evicted_total", &WatchCounters::dialogues_evicted},
});

double value_of(const Counter& counter) {
  return static_cast<double>(counter.value());
}

// The words of pattern files have a hyphen; labels have an underscore, as everywhere.
std::string label_of(std::string_view kind) {
  std::string label(kind);
  std::ranges::replace(label, '-', '_');
  return label;
}

}  // namespace

void add_payload_metrics(Families& out, const MetricsLinks& links) {
  if (links.payloads.empty()) return;
  for (std::size_t i = 0; i < links.payloads.size(); ++i) {
    const std::string worker = std::to_string(i);
    for (const auto& row : kOfMatcher)
      out.add(row.name, {{"worker", worker}}, value_of(links.payloads[i].matcher->*row.counter));
    for (const auto& row : kOfWatch)
      out.add(row.name, {{"worker", worker}}, value_of(links.payloads[i].watch->*row.counter));
  }
  for (std::size_t kind = 0; kind < signature::kKinds; ++kind) {
    double sum = 0;
    for (const PayloadLink& link : links.payloads) sum += value_of(link.matcher->hits[kind]);
    out.add("edgesentry_payload_matches_total", {{"kind", label_of(signature::kKindNames[kind])}},
            sum);
  }
}

}  // namespace edgesentry::serve
