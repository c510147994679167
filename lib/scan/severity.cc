#include "scan/severity.h"

#include <algorithm>
#include <cmath>

namespace edgesentry::scan {

namespace {

constexpr std::uint32_t kManyProbes = 1000;
constexpr std::uint32_t kManyTargets = 256;
constexpr std::uint32_t kManyOffences = 3;
constexpr int kSurest = 99;

// Chosen to get past filters and logs, or to hide who scans.
bool is_evasive(Technique technique) noexcept {
  return technique == Technique::tcp_fin || technique == Technique::tcp_null ||
         technique == Technique::tcp_xmas || technique == Technique::tcp_other ||
         technique == Technique::fragment || technique == Technique::idle;
}

Severity level_of(const Alert& alert) noexcept {
  if (alert.kind == AlertKind::touch) return Severity::info;
  if (alert.technique == Technique::arp) return Severity::low;
  if (alert.reason == Reason::failed_logins || alert.reason == Reason::signature)
    return Severity::high;
  if (alert.shape == Shape::trap && alert.port_count <= 2) return Severity::low;
  // A scan by many sources as a whole; each of them by itself did little.
  if (alert.source_count > 1) return Severity::high;
  return Severity::medium;
}

Severity raised(Severity severity, int steps, Severity most) noexcept {
  const int level = static_cast<int>(severity);
  return static_cast<Severity>(std::max(level, std::min(level + steps, static_cast<int>(most))));
}

// The likelihood ratio itself, as odds; at least the one that decided.
int percent_of(std::int32_t score) noexcept {
  return static_cast<int>(100 /
                          (1 + std::exp(-static_cast<double>(score) / SequentialTest::kScale)));
}

}  // namespace

Severity severity_of(const Alert& alert, std::uint32_t offences) noexcept {
  const Severity level = level_of(alert);
  if (level == Severity::info || alert.technique == Technique::arp) return level;
  const bool is_large = alert.probes >= kManyProbes || alert.target_count >= kManyTargets;
  const bool is_graver = is_evasive(alert.technique) || is_large || alert.proven;
  const Severity seen = raised(level, is_graver ? 1 : 0, Severity::high);
  // What may be forged is never critical: somebody would be woken up in an innocent name.
  const int history = offences == 0 ? 0 : offences < kManyOffences ? 1 : 2;
  return raised(seen, history, alert.proven ? Severity::critical : Severity::high);
}

std::uint8_t confidence_of(const Alert& alert, std::int32_t score) noexcept {
  const bool has_failed = 2 * alert.failures >= alert.probes;  // and is not merely unanswered yet
  int percent = 0;
  switch (alert.reason) {
    case Reason::abnormal_flags:
      percent = alert.technique == Technique::idle ? 95 : 97;
      break;
    case Reason::watched_port:
      percent = std::min(50 + 10 * static_cast<int>(std::min(alert.port_count, 4u)), 90);
      break;
    case Reason::failed_attempts:
      percent = percent_of(score);
      break;
    case Reason::many_ports:
      percent = has_failed ? 95 : 85;
      break;
    case Reason::many_targets:
      percent = has_failed ? 90 : 80;
      break;
    case Reason::failed_logins:
    case Reason::signature:
      percent = 90;
      break;
    case Reason::many_sources:
      percent = 80;
      break;
    case Reason::arp_sweep:
      percent = 70;
      break;
  }
  if (alert.kind == AlertKind::touch || alert.kind == AlertKind::clue)
    percent = std::min(percent, 50);
  // Who sends what only a scanning tool sends is scanning.
  if (alert.tool.confidence == scan::Confidence::high) percent = std::max(percent, 98);
  return static_cast<std::uint8_t>(std::min(percent, kSurest));
}

}  // namespace edgesentry::scan
