// The marks of scanning tools that one packet shows, as a set of bits. Pure; compares and ands.
//
// TTLs are those at the sensor, so only their class says anything: sent with 255 they arrive above
// 200, with 64 at 64 or below. Sources of the formulas, with the versions: docs/detection.md.
#pragma once

#include <cstdint>

#include "scan/tool.h"
#include "wire/probe.h"
#include "wire/tcp_options.h"

namespace edgesentry::scan {

using MarkSet = std::uint64_t;
static_assert(kMarks <= 64);

constexpr MarkSet mark_if(Mark mark, bool holds) noexcept {
  return MarkSet{holds} << static_cast<unsigned>(mark);
}
constexpr bool has_mark(MarkSet set, Mark mark) noexcept {
  return (set >> static_cast<unsigned>(mark) & 1) != 0;
}

inline bool is_v4(const wire::Probe& p) noexcept {
  return (p.traits & wire::trait::kIpv6) == 0;
}
inline bool may_fragment(const wire::Probe& p) noexcept {
  return (p.traits & wire::trait::kDontFragment) == 0;
}
inline bool sent_with_255(const wire::Probe& p) noexcept {
  return p.ttl > 200;
}
// The last 32 bits of the target: an IPv4 address as a number.
inline std::uint32_t target_number(const wire::Probe& p) noexcept {
  return p.target.v4_value();
}

namespace detail {

inline constexpr std::uint32_t kMssAlone =
    wire::tcp_option::order({wire::tcp_option::kMss}) | wire::tcp_option::kMss1460;

// zmap src/probe_modules/packet.c, 4.1: options of Windows, Linux and BSD.
inline constexpr std::uint32_t kZmapWindows =
    wire::tcp_option::order({wire::tcp_option::kMss, wire::tcp_option::kNop,
                             wire::tcp_option::kWindowScale, wire::tcp_option::kNop,
                             wire::tcp_option::kNop, wire::tcp_option::kSackPermitted}) |
    wire::tcp_option::kMss1460 | wire::tcp_option::kScale8;
inline constexpr std::uint32_t kZmapLinux =
    wire::tcp_option::order({wire::tcp_option::kMss, wire::tcp_option::kSackPermitted,
                             wire::tcp_option::kTimestamps, wire::tcp_option::kNop,
                             wire::tcp_option::kWindowScale}) |
    wire::tcp_option::kMss1460 | wire::tcp_option::kStampAny | wire::tcp_option::kScale7;
inline constexpr std::uint32_t kZmapBsd =
    wire::tcp_option::order({wire::tcp_option::kMss, wire::tcp_option::kNop,
                             wire::tcp_option::kWindowScale, wire::tcp_option::kNop,
                             wire::tcp_option::kNop, wire::tcp_option::kTimestamps,
                             wire::tcp_option::kSackPermitted, wire::tcp_option::kEnd}) |
    wire::tcp_option::kMss1460 | wire::tcp_option::kStampAny | wire::tcp_option::kScale6;
// nmap osscan2.cc: the ECN probe.
inline constexpr std::uint32_t kNmapEcn = wire::tcp_option::order(
    {wire::tcp_option::kWindowScale, wire::tcp_option::kNop, wire::tcp_option::kMss,
     wire::tcp_option::kSackPermitted, wire::tcp_option::kNop, wire::tcp_option::kNop});

inline constexpr std::uint16_t kZmapIdentification = 54321;

inline MarkSet marks_of_zmap_syn(const wire::Probe& p, std::uint32_t layout) noexcept {
  const bool shape = is_v4(p) & may_fragment(p) & (p.window == 65535);
  const bool id = is_v4(p) & (p.identification == kZmapIdentification);
  return mark_if(Mark::zmap_identification, shape & id) |
         mark_if(Mark::zmap_identification_alone, id) |
         mark_if(Mark::zmap_windows_options, shape & (layout == kZmapWindows) & (p.ttl <= 64)) |
         mark_if(Mark::zmap_unix_options,
                 shape & ((layout == kZmapLinux) | (layout == kZmapBsd)) & (p.ttl <= 64)) |
         mark_if(Mark::zmap_mss_alone, shape & (layout == kMssAlone));
}

inline MarkSet marks_of_masscan_syn(const wire::Probe& p, std::uint32_t layout) noexcept {
  const bool old_shape = (p.window == 1024) & (layout == 0) & may_fragment(p);
  const bool new_shape = (p.window == 1025) & (layout == kMssAlone) & may_fragment(p);
  const std::uint32_t cookie = target_number(p) ^ p.target_port ^ p.sequence;
  const bool is_cookie = is_v4(p) & ((cookie & 0xffff) == p.identification);
  const bool far = sent_with_255(p);
  return mark_if(Mark::masscan_cookie,
                 is_cookie & (old_shape | new_shape | (far & may_fragment(p)))) |
         mark_if(Mark::masscan_cookie_alone, is_cookie) |
         mark_if(Mark::masscan_old_syn, is_v4(p) & old_shape & far) |
         mark_if(Mark::masscan_new_syn, is_v4(p) & new_shape & far) |
         mark_if(Mark::masscan_ipv6_syn, (!is_v4(p)) & (old_shape | new_shape) & far);
}

inline MarkSet marks_of_other_syn(const wire::Probe& p, std::uint32_t layout) noexcept {
  using wire::tcp_flag::kCwr, wire::tcp_flag::kEce, wire::tcp_flag::kFin;
  const bool bare = layout == 0;
  const bool nmap_ttl = (p.ttl <= 64) | !is_v4(p);
  const bool nmap_shape = (layout == kMssAlone) & may_fragment(p) & nmap_ttl;
  const bool old_window = (p.window == 2048) | (p.window == 3072) | (p.window == 4096);
  const bool stamped = (layout & wire::tcp_option::kStampBits) == wire::tcp_option::kStampOnes;
  const bool ecn = ((p.tcp_flags & (kEce | kCwr)) == (kEce | kCwr)) & (p.window == 3) &
                   ((layout & wire::tcp_option::kOrder) == kNmapEcn);
  const bool scapy_id = !is_v4(p) | (p.identification == 1);
  return mark_if(Mark::mirai_sequence, is_v4(p) & bare & (p.sequence == target_number(p))) |
         mark_if(Mark::nmap_syn, nmap_shape & (p.window == 1024)) |
         mark_if(Mark::nmap_old_syn, nmap_shape & old_window) |
         mark_if(Mark::nmap_os_syn, stamped | ecn) |
         mark_if(Mark::scapy_defaults, bare & scapy_id & (p.sequence == 0) & (p.window == 8192)) |
         mark_if(Mark::synscan_identification,
                 is_v4(p) & ((p.tcp_flags & kFin) != 0) & (p.identification == 39426)) |
         mark_if(Mark::ipeye_sequence, bare & (p.sequence == 1958810375)) |
         mark_if(Mark::myscan_source_port,
                 (p.source_port == 10101) & (p.ttl > 220) & (p.acknowledgement == 0));
}

inline MarkSet marks_of_tcp(const wire::Probe& p) noexcept {
  using wire::tcp_flag::kAck, wire::tcp_flag::kFin, wire::tcp_flag::kPsh, wire::tcp_flag::kRst,
      wire::tcp_flag::kSyn, wire::tcp_flag::kUrg;
  const std::uint8_t flags = p.tcp_flags & (kFin | kSyn | kRst | kPsh | kAck | kUrg);
  const bool acks = (flags & kAck) != 0;
  if (flags & kRst) return 0;
  MarkSet marks = 0;
  if (flags & kSyn) {
    if (acks) return 0;
    const std::uint32_t layout = wire::tcp_layout(p);
    marks = marks_of_zmap_syn(p, layout) | marks_of_masscan_syn(p, layout) |
            marks_of_other_syn(p, layout);
    if (layout != 0) return marks;
  }
  const bool nmap_window = (p.window == 1024) & may_fragment(p) & (p.payload_bytes == 0);
  const bool odd = (flags == 0) | (flags == kFin) | (flags == (kFin | kPsh | kUrg));
  const bool ack_scan = (flags == kAck) | (flags == (kAck | kFin));
  return marks |
         mark_if(Mark::hping_acknowledgement,
                 (!acks) & (p.acknowledgement != 0) & (p.window == 512) & may_fragment(p)) |
         mark_if(Mark::nmap_ack,
                 ack_scan & nmap_window & (p.sequence == 0) & (p.acknowledgement != 0)) |
         mark_if(Mark::nmap_odd_flags, odd & nmap_window & (p.acknowledgement == 0));
}

inline MarkSet marks_of_icmp(const wire::Probe& p) noexcept {
  const bool echo = (p.icmp_type == 8) | (p.icmp_type == 128);
  const bool id = is_v4(p) & (p.identification == kZmapIdentification);
  return mark_if(Mark::zmap_identification_alone, id) |
         mark_if(Mark::zmap_echo, echo & (p.payload_bytes == 20) & (p.ttl <= 64)) |
         mark_if(Mark::masscan_echo, echo & is_v4(p) & (p.payload_bytes == 48) & sent_with_255(p)) |
         mark_if(Mark::nmap_os_echo, echo & is_v4(p) & (p.icmp_code == 9) &
                                         ((p.sequence & 0xffff) == 295) &
                                         (p.payload_bytes == 120)) |
         mark_if(Mark::nmap_echo, echo & (p.payload_bytes == 0) & may_fragment(p));
}

inline MarkSet marks_of_sctp(const wire::Probe& p) noexcept {
  const bool init = (p.icmp_type == 1) & (p.payload_bytes == 20);
  const bool far = is_v4(p) & sent_with_255(p);
  return mark_if(Mark::nmap_sctp_init, init & (!far)) | mark_if(Mark::masscan_sctp, init & far) |
         mark_if(Mark::nmap_sctp_cookie_echo, (p.icmp_type == 10) & (p.payload_bytes <= 8));
}

}  // namespace detail

inline MarkSet marks_of(const wire::Probe& p) noexcept {
  switch (p.outcome) {
    case wire::ParseOutcome::tcp:
      return detail::marks_of_tcp(p);
    case wire::ParseOutcome::udp:
      return mark_if(Mark::zmap_identification_alone,
                     is_v4(p) & (p.identification == detail::kZmapIdentification)) |
             mark_if(Mark::nmap_os_udp,
                     is_v4(p) & (p.payload_bytes == 300) & (p.identification == 0x1042));
    case wire::ParseOutcome::icmp:
      return detail::marks_of_icmp(p);
    case wire::ParseOutcome::sctp:
      return detail::marks_of_sctp(p);
    case wire::ParseOutcome::other_protocol:
      return mark_if(Mark::nmap_protocol, p.payload_bytes == 0);
    case wire::ParseOutcome::truncated_transport:
      return mark_if(Mark::nmap_fragment,
                     is_v4(p) & (p.protocol == 6) & ((p.traits & wire::trait::kFragment) != 0));
    default:
      return 0;
  }
}

}  // namespace edgesentry::scan
