// One frame of every kind that the parser tells apart: the material for truncation tests, mutation
// and fuzz seeds. Made by code, so that nothing binary is kept.
#pragma once

#include <string_view>
#include <utility>
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

// Outer endpoints of their own, so that a test sees whose addresses it got.
inline Bytes tunnel4(std::uint8_t protocol, const Bytes& body) {
  return ethernet(0x0800) +
         ipv4({.protocol = protocol, .source = 0xc0000201, .target = 0xc0000202}, body);
}
inline Bytes tunnel6(std::uint8_t protocol, const Bytes& body) {
  return ethernet(0x86dd) + ipv6({.next = protocol, .source = 0x21, .target = 0x22}, body);
}

// A packet in each kind of tunnel. `v4` and `v6` are packets, what they are ends in `outcome`.
inline std::vector<SampleFrame> tunnels_with(const Bytes& v4, const Bytes& v6,
                                             wire::ParseOutcome outcome) {
  const Bytes frame4 = ethernet(0x0800) + v4, frame6 = ethernet(0x86dd) + v6;
  const Bytes tagged = ethernet(0x8100) + vlan(9, 0x0800) + v4;
  std::vector<SampleFrame> all;
  const auto add = [&](std::string_view name, Bytes bytes) {
    all.push_back({name, wire::LinkType::ethernet, outcome, std::move(bytes)});
  };
  add("mpls", ethernet(0x8847) + mpls(16, true) + v4);
  add("mpls_stack", ethernet(0x8848) + mpls(16, false) + mpls(17, false) + mpls(18, true) + v6);
  add("mpls_tagged", ethernet(0x8100) + vlan(7, 0x8847) + mpls(16, true) + v4);
  add("pppoe", ethernet(0x8864) + pppoe(0x0021, v4));
  add("pppoe_v6_qinq", ethernet(0x88a8) + vlan(7, 0x8100) + vlan(8, 0x8864) + pppoe(0x0057, v6));
  add("ipip", tunnel4(4, v4));
  add("6in4", tunnel4(41, v6));
  add("4in6", tunnel6(4, v4));
  add("6in6", tunnel6(41, v6));
  add("6in6_options", tunnel6(60, extension(41, 1) + v6));
  add("ipip_twice", tunnel4(4, ipv4({.protocol = 4, .source = 1, .target = 2}, v4)));
  add("gre", tunnel4(47, gre(0, 0x0800) + v4));
  add("gre_v6", tunnel6(47, gre(0x2000, 0x86dd) + v6));
  add("gre_all_fields", tunnel4(47, gre(0xb000, 0x0800) + v4));
  add("gre_bridge", tunnel4(47, gre(0x2000, 0x6558) + tagged));
  add("gre_mpls", tunnel4(47, gre(0, 0x8847) + mpls(16, true) + v4));
  add("erspan1", tunnel4(47, gre(0, 0x88be) + frame4));
  add("erspan2", tunnel4(47, gre(0x1000, 0x88be) + erspan2() + frame4));
  add("erspan3", tunnel4(47, gre(0x1000, 0x22eb) + erspan3(false) + frame6));
  add("erspan3_sub", tunnel4(47, gre(0x1000, 0x22eb) + erspan3(true) + tagged));
  add("vxlan", tunnel4(17, udp(49152, 4789, vxlan() + frame4)));
  add("vxlan_old", tunnel4(17, udp(49152, 8472, vxlan() + tagged)));
  add("vxlan_v6", tunnel6(17, udp(49152, 4789, vxlan() + frame6)));
  add("geneve", tunnel4(17, udp(49152, 6081, geneve(0x6558) + frame4)));
  add("geneve_options", tunnel4(17, udp(49152, 6081, geneve(0x6558, 3) + tagged)));
  add("geneve_v6", tunnel6(17, udp(49152, 6081, geneve(0x86dd, 63) + v6)));
  return all;
}

inline std::vector<SampleFrame> tunnel_samples() {
  return tunnels_with(ipv4({}, tcp({.options = syn_options()})),
                      ipv6({}, tcp({.options = syn_options()})), wire::ParseOutcome::tcp);
}

inline std::vector<SampleFrame> sample_frames() {
  std::vector<SampleFrame> all = link_samples();
  for (const auto& more : {ip_samples(), transport_samples(), tunnel_samples()})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace edgesentry::test::frames
