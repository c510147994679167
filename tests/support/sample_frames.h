// One frame of every kind that the parser tells apart: the material for truncation tests, mutation
// and fuzz seeds. Made by code, so that nothing binary is kept.
#pragma once

#include <string_view>
#include <vector>

#include "support/frames.h"
#include "wire/parse.h"

namespace edgesentry::test::frames {

struct SampleFrame {
  std::string_view name;
  wire::LinkType link;
  wire::ParseOutcome outcome;
  Bytes bytes;
};

inline Bytes syn_options() {  // MSS, SACK permitted, timestamps, padding, window scale
  return Bytes{2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7};
}

inline std::vector<SampleFrame> link_samples() {
  using Out = wire::ParseOutcome;
  using wire::LinkType;
  const Bytes packet = ipv4({}, tcp({}));
  return {
      {"ethernet", LinkType::ethernet, Out::tcp, ethernet(0x0800) + packet},
      {"vlan", LinkType::ethernet, Out::tcp, ethernet(0x8100) + vlan(7, 0x0800) + packet},
      {"qinq", LinkType::ethernet, Out::tcp,
       ethernet(0x88a8) + vlan(7, 0x8100) + vlan(8, 0x0800) + packet},
      {"qinq_old", LinkType::ethernet, Out::tcp,
       ethernet(0x9100) + vlan(7, 0x8100) + vlan(8, 0x0800) + packet},
      {"sll", LinkType::linux_sll, Out::tcp, sll(0x0800) + packet},
      {"sll2", LinkType::linux_sll2, Out::tcp, sll2(0x0800) + packet},
      {"null", LinkType::bsd_null, Out::tcp, bsd_null(2) + packet},
      {"null_v6", LinkType::bsd_null, Out::udp, bsd_null(30) + ipv6({.next = 17}, udp(1, 2))},
      {"raw", LinkType::raw_ip, Out::tcp, packet},
      {"raw_v6", LinkType::raw_ip, Out::udp, ipv6({.next = 17}, udp(1, 2))},
      {"arp", LinkType::ethernet, Out::arp, ethernet(0x0806) + arp(1)},
      {"lldp", LinkType::ethernet, Out::not_ip, ethernet(0x88cc) + filler(20)},
      {"padded", LinkType::ethernet, Out::tcp, ethernet(0x0800) + packet + filler(6)},
  };
}

inline std::vector<SampleFrame> ip_samples() {
  using Out = wire::ParseOutcome;
  const auto eth = wire::LinkType::ethernet;
  const Bytes v4 = ethernet(0x0800), v6 = ethernet(0x86dd);
  const Bytes syn = tcp({});
  return {
      {"v4_options", eth, Out::tcp, v4 + ipv4({.options = {7, 3, 4, 0}}, syn)},
      {"v4_options_most", eth, Out::tcp, v4 + ipv4({.options = filler(40, 1)}, syn)},
      {"v4_first_fragment", eth, Out::tcp, v4 + ipv4({.fragment = 0x2000}, syn)},
      {"v4_later_fragment", eth, Out::later_fragment, v4 + ipv4({.fragment = 0x0003}, filler(24))},
      {"v4_protocol", eth, Out::other_protocol, v4 + ipv4({.protocol = 103}, filler(8))},
      {"v6", eth, Out::tcp, v6 + ipv6({}, syn)},
      {"v6_hop_by_hop", eth, Out::tcp, v6 + ipv6({.next = 0}, extension(6) + syn)},
      {"v6_routing", eth, Out::tcp, v6 + ipv6({.next = 43}, extension(6, 2) + syn)},
      {"v6_destination", eth, Out::tcp, v6 + ipv6({.next = 60}, extension(6, 1) + syn)},
      {"v6_mobility", eth, Out::udp, v6 + ipv6({.next = 135}, extension(17, 1) + udp(1, 2))},
      {"v6_hip", eth, Out::tcp, v6 + ipv6({.next = 139}, extension(6, 4) + syn)},
      {"v6_shim6", eth, Out::tcp, v6 + ipv6({.next = 140}, extension(6, 1) + syn)},
      {"v6_ah", eth, Out::tcp, v6 + ipv6({.next = 51}, authentication(6, 4) + syn)},
      {"v6_atomic_fragment", eth, Out::tcp, v6 + ipv6({.next = 44}, fragment(6, 0, false) + syn)},
      {"v6_first_fragment", eth, Out::tcp, v6 + ipv6({.next = 44}, fragment(6, 0, true) + syn)},
      {"v6_later_fragment", eth, Out::later_fragment,
       v6 + ipv6({.next = 44}, fragment(6, 5, false) + filler(16))},
      {"v6_esp", eth, Out::other_protocol, v6 + ipv6({.next = 50}, filler(24))},
      {"v6_no_next", eth, Out::not_ip, v6 + ipv6({.next = 59}, {})},
      {"v6_chain", eth, Out::udp,
       v6 + ipv6({.next = 0}, extension(43) + extension(60, 1) + extension(44) +
                                  fragment(51, 0, true) + authentication(17, 4) + udp(1, 2))},
  };
}

inline std::vector<SampleFrame> transport_samples() {
  using Out = wire::ParseOutcome;
  const auto eth = wire::LinkType::ethernet;
  const Bytes v4 = ethernet(0x0800), v6 = ethernet(0x86dd);
  const Bytes quoted = ipv4({.source = kTarget, .target = kSource}, udp(53, 40000));
  const Bytes quoted6 = ipv6({.next = 6, .source = 1, .target = 7}, tcp({}));
  return {
      {"tcp_options", eth, Out::tcp, v4 + ipv4({}, tcp({.options = syn_options()}))},
      {"tcp_payload", eth, Out::tcp, v4 + ipv4({}, tcp({.flags = 0x18}) + filler(100, 'x'))},
      {"udp", eth, Out::udp, v4 + ipv4({.protocol = 17}, udp(5000, 53, filler(12)))},
      {"icmp_echo", eth, Out::icmp, v4 + ipv4({.protocol = 1}, icmp(8, 0, filler(32)))},
      {"icmp_error", eth, Out::icmp, v4 + ipv4({.protocol = 1}, icmp(3, 3, quoted))},
      {"icmp6_echo", eth, Out::icmp, v6 + ipv6({.next = 58}, icmp(128, 0))},
      {"icmp6_error", eth, Out::icmp, v6 + ipv6({.next = 58}, icmp(1, 4, quoted6))},
      {"sctp_init", eth, Out::sctp, v4 + ipv4({.protocol = 132}, sctp(9, 38412, 1))},
  };
}

inline std::vector<SampleFrame> sample_frames() {
  std::vector<SampleFrame> all = link_samples();
  for (const auto& more : {ip_samples(), transport_samples()})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace edgesentry::test::frames
