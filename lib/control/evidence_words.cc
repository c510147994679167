#include "control/evidence_words.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/port_set.h"

namespace edgesentry::control {

namespace {

bool has_ports(const scan::Alert& alert) {
  constexpr std::uint8_t kTcp = 6, kUdp = 17, kSctp = 132;
  return alert.protocol == kTcp || alert.protocol == kUdp || alert.protocol == kSctp;
}

std::string and_more(std::uint32_t in_all, std::size_t shown) {
  return in_all > shown ? fmt::format(" and {} more", in_all - shown) : std::string();
}

std::string ports_words(const scan::Alert& alert) {
  base::PortSet ports;
  const std::size_t kept = std::min<std::size_t>(alert.port_count, alert.ports.size());
  for (std::size_t i = 0; i < kept; ++i) ports.insert(alert.ports[i]);
  return fmt::format("port{} {}{}", alert.port_count == 1 ? "" : "s", ports.to_string(),
                     and_more(alert.port_count, kept));
}

std::string targets_words(const scan::Alert& alert) {
  std::string words;
  std::size_t shown = 0;
  for (const base::Ip& target : alert.targets) {
    if (shown == alert.target_count || target == base::Ip{}) break;
    words += (shown == 0 ? "" : ", ") + target.to_string();
    ++shown;
  }
  return words + and_more(alert.target_count, shown);
}

std::string rate_words(const scan::Alert& alert) {
  const std::uint64_t micros = base::elapsed(alert.first_seen, alert.last_seen).value;
  if (micros == 0 || alert.probes < 2) return {};
  const double per_second = 1e6 * alert.probes / static_cast<double>(micros);
  if (per_second >= 1) return fmt::format(", {:.0f} probes a second", per_second);
  return fmt::format(", a probe every {:.0f} seconds", 1 / per_second);
}

}  // namespace

std::string attempts_sentence(const scan::Alert& alert) {
  std::string text = "It tried ";
  if (has_ports(alert)) text += ports_words(alert) + " of ";
  text += targets_words(alert);
  text += fmt::format("; {} of {} probes {} refused or unanswered", alert.failures, alert.probes,
                      alert.failures == 1 ? "was" : "were");
  if (alert.abnormal > 0)
    text += fmt::format(", {} had flags that no TCP stack sends", alert.abnormal);
  if (alert.successes > 0)
    text += fmt::format(", {} conversation{} came about", alert.successes,
                        alert.successes == 1 ? "" : "s");
  return text + rate_words(alert) + '.';
}

std::string proof_sentence(const scan::Alert& alert) {
  if (alert.proven)
    return "Its address is proven: it acknowledged a number that only the receiver of an answer "
           "knows.";
  if (alert.answers)
    return "Somebody is at its address: it reset an answer with a number that only the receiver "
           "knows. That it sent the probes is likely, not proven.";
  return "Its address is not proven: nothing shows that the packets came from there.";
}

std::string severity_sentence(const scan::Alert& alert) {
  return fmt::format(
      "Its severity is {}; that it is {} at all is {} % sure.", scan::to_string(alert.severity),
      alert.shape == scan::Shape::brute_force ? "brute force" : "a scan", alert.confidence);
}

}  // namespace edgesentry::control
