// Every metric that /metrics can show, in one table: the collector looks names up in it, and
// docs/metrics.md is printed from it, so that neither can know a metric that the other does not.
//
// Prometheus' rules: base units, `_total` on counters, no source address or port in a label.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace edgesentry::serve {

enum class MetricKind { counter, gauge, histogram };

struct MetricRow {
  std::string_view name;
  MetricKind kind;
  std::string_view labels;  // comma-separated; empty: none
  std::string_view help;
};

[[nodiscard]] std::span<const MetricRow> metric_table() noexcept;

// nullptr: there is no such metric.
[[nodiscard]] const MetricRow* find_metric(std::string_view name) noexcept;

// docs/metrics.md.
[[nodiscard]] std::string metrics_markdown();

}  // namespace edgesentry::serve
