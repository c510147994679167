#include "scan/tool_marks.h"

#include <bit>
#include <limits>

namespace edgesentry::scan {

namespace {

// nmap scan_engine_raw.cc: one random mask for the whole scan, and in the nth try of a probe
// mask ^ (n << 16 | n).
bool is_same_but_for_the_try(std::uint32_t a, std::uint32_t b) noexcept {
  constexpr std::uint32_t kTriesMax = 16;
  const std::uint32_t tries = a ^ b;
  return (tries >> 16) == (tries & 0xffff) && (tries & 0xffff) < kTriesMax;
}

// naabu tcpsequencer.go: 0, 1, 2, ... over all targets, of which the sensor may see a part.
bool counts_up(std::uint32_t before, std::uint32_t now) noexcept {
  constexpr std::uint32_t kGapMax = 64;
  return now - before - 1 < kGapMax;
}

bool rises_by_one(std::uint16_t before, std::uint16_t now) noexcept {
  return static_cast<std::uint16_t>(before + 1) == now;
}

// ACK scans send sequence number 0 and keep the acknowledgement number instead.
std::uint32_t constant_number(const wire::Probe& probe) noexcept {
  return probe.sequence != 0 ? probe.sequence : probe.acknowledgement;
}

bool is_nmap_shape(MarkSet marks) noexcept {
  return has_mark(marks, Mark::nmap_syn) || has_mark(marks, Mark::nmap_old_syn) ||
         has_mark(marks, Mark::nmap_ack) || has_mark(marks, Mark::nmap_odd_flags) ||
         has_mark(marks, Mark::nmap_fragment);
}

// naabu's SYN is nmap's, sent with another TTL.
bool is_naabu_shape(const wire::Probe& probe) noexcept {
  return probe.outcome == wire::ParseOutcome::tcp && probe.tcp_flags == wire::tcp_flag::kSyn &&
         probe.window == 1024 && wire::tcp_layout(probe) == detail::kMssAlone;
}

}  // namespace

MarkSet ToolMarks::pairs_of_tcp(const wire::Probe& probe, MarkSet marks) noexcept {
  MarkSet pairs = mark_if(Mark::hping_rising_ports,
                          probe.window == 512 && may_fragment(probe) && probe.payload_bytes == 0 &&
                              rises_by_one(tcp_source_, probe.source_port));
  tcp_source_ = probe.source_port;
  if (is_nmap_shape(marks) || is_naabu_shape(probe)) {
    const std::uint32_t number = constant_number(probe);
    const bool is_first = sequence_ == 0;
    pairs |= mark_if(Mark::nmap_one_sequence, !is_first && is_nmap_shape(marks) && number != 0 &&
                                                  is_same_but_for_the_try(sequence_, number)) |
             mark_if(Mark::naabu_counter, is_naabu_shape(probe) && counts_up(sequence_, number));
    sequence_ = number;
  }
  const bool is_syn = probe.outcome == wire::ParseOutcome::tcp &&
                      probe.tcp_flags == wire::tcp_flag::kSyn && is_v4(probe);
  if (!is_syn) return pairs;
  // Unicornscan tcphash.h. A sequence number that stays the same, or that is the target's address,
  // gives a constant as well and is another tool's.
  const std::uint32_t address = target_number(probe);
  const std::uint32_t rest =
      probe.sequence ^ ((std::uint32_t{probe.target_port} << 16) + probe.source_port);
  const std::uint32_t keys[2] = {rest ^ __builtin_bswap32(address), rest ^ address};
  const bool is_key = keys[0] == keys_[0] || keys[1] == keys_[1];
  pairs |= mark_if(Mark::unicornscan_key,
                   is_key && probe.sequence != key_sequence_ && probe.sequence != address);
  keys_[0] = keys[0];
  keys_[1] = keys[1];
  key_sequence_ = probe.sequence;
  return pairs;
}

MarkSet ToolMarks::pairs_of_udp(const wire::Probe& probe) noexcept {
  const std::uint32_t target = wire::fold(probe.target);
  const bool other_port = probe.target_port != udp_port_;
  const bool same_source = udp_source_ == probe.source_port && other_port;
  const bool rises = rises_by_one(udp_source_, probe.source_port) && other_port;
  const bool free = may_fragment(probe);
  const bool far = is_v4(probe) && sent_with_255(probe);
  const bool empty = probe.payload_bytes == 0 && free && !far;
  const bool same_target = udp_target_ == target;
  udp_source_ = probe.source_port;
  udp_port_ = probe.target_port;
  udp_target_ = target;
  return mark_if(Mark::nmap_udp_one_port, same_source && empty) |
         mark_if(Mark::nmap_udp_one_target, same_source && same_target && free && !far) |
         mark_if(Mark::masscan_udp_one_port, same_source && far) |
         mark_if(Mark::hping_rising_ports, rises && empty);
}

void ToolMarks::next(const wire::Probe& probe) noexcept {
  MarkSet marks = marks_of(probe);
  if (probe.protocol == 6) marks |= pairs_of_tcp(probe, marks);
  if (probe.outcome == wire::ParseOutcome::udp) marks |= pairs_of_udp(probe);
  count(marks);
}

void ToolMarks::count(MarkSet marks) noexcept {
  if (seen_ == std::numeric_limits<std::uint8_t>::max()) {
    const auto half = [](std::uint8_t n) { return static_cast<std::uint8_t>((n + 1) / 2); };
    seen_ = half(seen_);
    for (std::uint8_t& hits : hits_) hits = half(hits);
  }
  ++seen_;
  for (; marks != 0; marks &= marks - 1) ++hits_[static_cast<std::size_t>(std::countr_zero(marks))];
}

ToolName ToolMarks::name() const noexcept {
  constexpr std::uint32_t kShare = 4;
  ToolName best;
  std::uint8_t best_hits = 0;
  for (std::size_t i = 1; i < kMarks; ++i) {
    const std::uint8_t hits = hits_[i];
    if (hits == 0) continue;
    const MarkMeaning& meaning = meaning_of(static_cast<Mark>(i));
    if (meaning.shares && hits * kShare < seen_) continue;
    const Confidence confidence = hits >= meaning.many ? meaning.often : meaning.once;
    if (confidence < best.confidence || confidence == Confidence::none) continue;
    if (confidence == best.confidence && hits <= best_hits) continue;
    best = {meaning.tool, confidence, meaning.mark};
    best_hits = hits;
  }
  return best;
}

}  // namespace edgesentry::scan
