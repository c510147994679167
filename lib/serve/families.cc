#include "serve/families.h"

#include <utility>

#include "base/check.h"
#include "serve/metric_table.h"

namespace edgesentry::serve {
namespace {

constexpr double kMicrosPerSecond = 1e6;

prometheus::MetricType type_of(MetricKind kind) {
  switch (kind) {
    case MetricKind::counter:
      return prometheus::MetricType::Counter;
    case MetricKind::gauge:
      return prometheus::MetricType::Gauge;
    case MetricKind::histogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

bool labels_are(const Labels& labels, std::string_view expected) {
  std::string names;
  for (const auto& label : labels) {
    if (!names.empty()) names += ',';
    names += label.name;
  }
  return names == expected;
}

}  // namespace

prometheus::MetricFamily& Families::family(std::string_view name) {
  const MetricRow* row = find_metric(name);
  EDGESENTRY_CHECK(row != nullptr, "every metric stands in the table");
  const auto [entry, is_new] = index_.try_emplace(row->name, families_.size());
  if (is_new)
    families_.push_back({std::string(row->name), std::string(row->help), type_of(row->kind), {}});
  return families_[entry->second];
}

void Families::add(std::string_view name, Labels labels, double value) {
  prometheus::MetricFamily& into = family(name);
  EDGESENTRY_CHECK(labels_are(labels, find_metric(name)->labels), "labels as in the table");
  prometheus::ClientMetric sample;
  sample.label = std::move(labels);
  if (into.type == prometheus::MetricType::Counter)
    sample.counter.value = value;
  else
    sample.gauge.value = value;
  into.metric.push_back(std::move(sample));
}

void Families::add_histogram(std::string_view name, std::span<const std::uint64_t> bounds_us,
                             std::span<const std::uint64_t> counts, std::uint64_t sum_us) {
  EDGESENTRY_CHECK(counts.size() == bounds_us.size() + 1, "the last count is for the rest");
  prometheus::ClientMetric sample;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < bounds_us.size(); ++i) {
    seen += counts[i];
    sample.histogram.bucket.push_back({seen, static_cast<double>(bounds_us[i]) / kMicrosPerSecond});
  }
  sample.histogram.sample_count = seen + counts.back();
  sample.histogram.sample_sum = static_cast<double>(sum_us) / kMicrosPerSecond;
  family(name).metric.push_back(std::move(sample));
}

}  // namespace edgesentry::serve
