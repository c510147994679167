#include "scan/arp_watch.h"

#include <algorithm>
#include <bit>

namespace edgesentry::scan {

namespace {

std::uint32_t v4_of(const base::Ip& ip) noexcept {
  const auto& bytes = ip.bytes();
  return std::uint32_t{bytes[12]} << 24 | std::uint32_t{bytes[13]} << 16 |
         std::uint32_t{bytes[14]} << 8 | bytes[15];
}

void start(ArpSender& sender, const base::Ip& source, base::Micros now) noexcept {
  sender = ArpSender{};
  sender.source = source;
  sender.first_seen = sender.half_began = now;
}

void slide(ArpSender& sender, base::Micros now) noexcept {
  const base::Micros age = base::elapsed(sender.half_began, now);
  if (age < ArpWatch::kHalf) return;
  const bool is_next = age < base::Micros{2 * ArpWatch::kHalf.value};
  sender.before = is_next ? sender.now : std::array<std::uint64_t, 4>{};
  sender.now = {};
  sender.half_began = now;
}

void count_step(ArpSender& sender, std::uint32_t target) noexcept {
  const std::uint32_t step = target - sender.last_target;
  sender.in_order = step == 1 || step == 2 ? std::min(sender.in_order + 1, 4 * ArpWatch::kInOrder)
                                           : std::max(sender.in_order - ArpWatch::kOutOfOrder, 0);
}

}  // namespace

std::uint32_t ArpSender::unanswered() const noexcept {
  int count = 0;
  for (std::size_t i = 0; i < now.size(); ++i) count += std::popcount(now[i] | before[i]);
  return static_cast<std::uint32_t>(count);
}

ArpSender& ArpWatch::place_of(const base::Ip& source, const HashKey& key) noexcept {
  return senders_[source_key(key, source, 128).home % kSenders];
}

const ArpSender* ArpWatch::ask(const wire::Probe& probe, const HashKey& key,
                               base::Micros now) noexcept {
  if (probe.source == base::Ip{} || probe.source == probe.target || !probe.source.is_v4() ||
      !probe.target.is_v4())
    return nullptr;
  ArpSender& sender = place_of(probe.source, key);
  const bool is_quiet = base::elapsed(sender.last_seen, now) > kQuiet;
  if (sender.source != probe.source || is_quiet) {
    if (sender.asked > 0 && !is_quiet) return nullptr;
    start(sender, probe.source, now);
  }
  sender.last_seen = now;
  const std::uint32_t target = v4_of(probe.target);
  if (sender.asked > 0 && target == sender.last_target) return nullptr;  // asked once more
  slide(sender, now);
  if (sender.network != target >> 8) sender.now = sender.before = {};
  if (sender.asked > 0) count_step(sender, target);
  sender.network = target >> 8;
  sender.last_target = target;
  if (sender.asked < ArpSender::kTargets) sender.targets[sender.asked] = probe.target;
  ++sender.asked;
  sender.now[(target & 0xff) >> 6] |= std::uint64_t{1} << (target & 63);
  const bool is_sweep = sender.in_order >= kInOrder || sender.unanswered() >= kUnanswered;
  if (!is_sweep || (sender.reports != 0 && sender.asked < 10 * sender.reported)) return nullptr;
  sender.reported = sender.asked;
  ++sender.reports;
  return &sender;
}

void ArpWatch::answer(const wire::Probe& probe, const HashKey& key) noexcept {
  if (!probe.target.is_v4() || !probe.source.is_v4()) return;
  ArpSender& sender = place_of(probe.target, key);
  const std::uint32_t host = v4_of(probe.source);
  if (sender.source != probe.target || sender.network != host >> 8) return;
  const std::uint64_t others = ~(std::uint64_t{1} << (host & 63));
  sender.now[(host & 0xff) >> 6] &= others;
  sender.before[(host & 0xff) >> 6] &= others;
}

}  // namespace edgesentry::scan
