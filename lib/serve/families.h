// Collects samples into prometheus-cpp's families; name, type and help come from the metric table.
// Lives for one scrape on the scraping thread.
#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace edgesentry::serve {

using Labels = std::vector<prometheus::ClientMetric::Label>;

class Families {
 public:
  // A name that is not in the table is a broken invariant, and so is a wrong set of labels.
  void add(std::string_view name, Labels labels, double value);
  void add(std::string_view name, double value) { add(name, {}, value); }

  // Bounds and sum in microseconds, counts per bucket; one count more than bounds, for the rest.
  void add_histogram(std::string_view name, std::span<const std::uint64_t> bounds_us,
                     std::span<const std::uint64_t> counts, std::uint64_t sum_us);

  [[nodiscard]] std::vector<prometheus::MetricFamily> take() { return std::move(families_); }

 private:
  prometheus::MetricFamily& family(std::string_view name);

  std::vector<prometheus::MetricFamily> families_;
  std::unordered_map<std::string_view, std::size_t> index_;
};

}  // namespace edgesentry::serve
