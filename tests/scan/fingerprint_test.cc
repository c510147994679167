#include "scan/fingerprint.h"

#include <gtest/gtest.h>

#include <bit>
#include <functional>
#include <random>
#include <set>
#include <string>

#include "scan/tool_probes.h"

namespace edgesentry::scan {
namespace {

using Change = std::function<void(wire::Probe&)>;

bool shows(const wire::Probe& probe, Mark mark) {
  return has_mark(marks_of(probe), mark);
}
bool shows_after(wire::Probe probe, Mark mark, const Change& change) {
  change(probe);
  return shows(probe, mark);
}

TEST(Fingerprint, finds_nothing_in_the_syn_of_a_kernel) {
  wire::Probe probe = plain_syn();
  for (const std::uint32_t layout : {detail::kZmapWindows, detail::kZmapLinux, detail::kZmapBsd})
    for (const std::uint16_t window : {8192, 14600, 29200, 64240, 65535})
      for (const std::uint8_t ttl : {44, 64, 110, 128, 255}) {
        wire::set_tcp_layout(probe, layout);
        probe.window = window;
        probe.ttl = ttl;
        EXPECT_EQ(marks_of(probe), 0u) << window << " " << int{ttl};
      }
}

TEST(Fingerprint, finds_a_mark_in_random_syns_as_often_as_chance_has_it) {
  std::mt19937 random(20);
  std::array<int, kMarks> found{};
  constexpr int kSyns = 1'000'000;
  for (int i = 0; i < kSyns; ++i) {
    wire::Probe probe = plain_syn();
    probe.target = base::Ip::v4(static_cast<std::uint32_t>(random()));
    probe.sequence = static_cast<std::uint32_t>(random());
    probe.identification = static_cast<std::uint16_t>(random());
    probe.target_port = static_cast<std::uint16_t>(random());
    for (MarkSet set = marks_of(probe); set != 0; set &= set - 1)
      ++found[static_cast<std::size_t>(std::countr_zero(set))];
  }
  // 1 in 65536 each; five standard deviations.
  for (std::size_t i = 0; i < kMarks; ++i) {
    const bool by_chance = i == static_cast<std::size_t>(Mark::masscan_cookie_alone) ||
                           i == static_cast<std::size_t>(Mark::zmap_identification_alone);
    if (by_chance)
      EXPECT_NEAR(found[i], kSyns / 65536.0, 20) << i;
    else
      EXPECT_EQ(found[i], 0) << i;
  }
}

TEST(Fingerprint, knows_mirai_by_its_sequence_number) {
  wire::Probe probe = plain_syn();
  probe.sequence = probe.target.v4_value();
  EXPECT_TRUE(shows(probe, Mark::mirai_sequence));
  EXPECT_FALSE(shows_after(probe, Mark::mirai_sequence, [](auto& p) { ++p.sequence; }));
  EXPECT_FALSE(shows_after(probe, Mark::mirai_sequence,
                           [](auto& p) { p.sequence = __builtin_bswap32(p.sequence); }));
  EXPECT_FALSE(shows_after(probe, Mark::mirai_sequence,
                           [](auto& p) { wire::set_tcp_layout(p, detail::kMssAlone); }));
  EXPECT_FALSE(
      shows_after(probe, Mark::mirai_sequence, [](auto& p) { p.traits |= wire::trait::kIpv6; }));
}

TEST(Fingerprint, knows_old_zmap_by_its_identification) {
  wire::Probe probe = zmap_syn(0, 245);
  probe.identification = 54321;
  EXPECT_TRUE(shows(probe, Mark::zmap_identification));
  EXPECT_FALSE(
      shows_after(probe, Mark::zmap_identification, [](auto& p) { p.identification = 54320; }));
  EXPECT_FALSE(shows_after(probe, Mark::zmap_identification, [](auto& p) { p.window = 1024; }));
  EXPECT_FALSE(
      shows_after(probe, Mark::zmap_identification, [](auto& p) { p.traits = kDontFragment; }));
  probe.window = 1024;
  EXPECT_TRUE(shows(probe, Mark::zmap_identification_alone));
  wire::Probe echo = icmp(kScan, 8);
  echo.identification = 54321;
  EXPECT_TRUE(shows(echo, Mark::zmap_identification_alone));
  wire::Probe datagram = udp(kScan);
  datagram.identification = 54321;
  EXPECT_TRUE(shows(datagram, Mark::zmap_identification_alone));
}

TEST(Fingerprint, knows_new_zmap_by_a_stack_that_cannot_be) {
  const wire::Probe windows = zmap_syn(detail::kZmapWindows);
  EXPECT_TRUE(shows(windows, Mark::zmap_windows_options));
  EXPECT_FALSE(shows_after(windows, Mark::zmap_windows_options,
                           [](auto& p) { p.ttl = 120; }));  // Windows itself
  EXPECT_FALSE(
      shows_after(windows, Mark::zmap_windows_options, [](auto& p) { p.traits = kDontFragment; }));
  EXPECT_FALSE(shows_after(windows, Mark::zmap_windows_options, [](auto& p) { p.window = 64240; }));
  EXPECT_FALSE(shows_after(windows, Mark::zmap_windows_options, [](auto& p) {
    wire::set_tcp_layout(
        p, wire::tcp_layout(p) ^ wire::tcp_option::kScale8 ^ wire::tcp_option::kScale7);
  }));
  EXPECT_TRUE(shows(zmap_syn(detail::kZmapLinux), Mark::zmap_unix_options));
  EXPECT_TRUE(shows(zmap_syn(detail::kZmapBsd), Mark::zmap_unix_options));
  EXPECT_FALSE(shows_after(zmap_syn(detail::kZmapBsd), Mark::zmap_unix_options,
                           [](auto& p) { p.traits = kDontFragment; }));  // BSD itself
  EXPECT_TRUE(shows(zmap_syn(detail::kMssAlone), Mark::zmap_mss_alone));
  EXPECT_FALSE(shows(nmap_syn(), Mark::zmap_mss_alone));
  wire::Probe echo = icmp(kScan, 8);
  echo.payload_bytes = 20;
  EXPECT_TRUE(shows(echo, Mark::zmap_echo));
  echo.ttl = 128;
  EXPECT_FALSE(shows(echo, Mark::zmap_echo));
}

TEST(Fingerprint, knows_masscan_by_identification_and_shape) {
  EXPECT_TRUE(shows(masscan_syn(), Mark::masscan_cookie));
  EXPECT_TRUE(shows_after(masscan_syn(), Mark::masscan_cookie, [](auto& p) { p.ttl = 50; }));
  EXPECT_TRUE(shows_after(masscan_syn(), Mark::masscan_cookie, [](auto& p) { p.window = 9; }));
  const Change stray = [](auto& p) {
    p.ttl = 50;
    p.window = 64240;
  };
  EXPECT_FALSE(shows_after(masscan_syn(), Mark::masscan_cookie, stray));
  EXPECT_TRUE(shows_after(masscan_syn(), Mark::masscan_cookie_alone, stray));
  for (const Mark mark : {Mark::masscan_cookie, Mark::masscan_cookie_alone}) {
    EXPECT_FALSE(shows_after(masscan_syn(), mark, [](auto& p) { ++p.identification; }));
    EXPECT_FALSE(shows_after(masscan_syn(), mark, [](auto& p) { ++p.target_port; }));
  }
}

TEST(Fingerprint, knows_masscan_by_shape_alone) {
  const Change own_id = [](auto& p) { ++p.identification; };
  EXPECT_TRUE(shows_after(masscan_syn(), Mark::masscan_old_syn, own_id));
  EXPECT_FALSE(shows_after(masscan_syn(), Mark::masscan_old_syn, [](auto& p) { p.ttl = 64; }));
  wire::Probe master = masscan_syn();
  master.window = 1025;
  EXPECT_FALSE(shows(master, Mark::masscan_new_syn)) << "it sends an MSS";
  wire::set_tcp_layout(master, detail::kMssAlone);
  EXPECT_TRUE(shows(master, Mark::masscan_new_syn));
  EXPECT_FALSE(shows_after(master, Mark::masscan_new_syn, [](auto& p) { p.window = 1024; }));
  wire::Probe v6 = masscan_syn();
  v6.traits = wire::trait::kIpv6;
  EXPECT_TRUE(shows(v6, Mark::masscan_ipv6_syn));
  EXPECT_FALSE(shows(v6, Mark::masscan_cookie_alone)) << "IPv6 has no identification";
  EXPECT_FALSE(shows_after(v6, Mark::masscan_ipv6_syn, [](auto& p) { p.ttl = 64; }));
  wire::Probe echo = icmp(kScan, 8);
  echo.ttl = 250;
  echo.payload_bytes = 48;
  EXPECT_TRUE(shows(echo, Mark::masscan_echo));
  EXPECT_FALSE(shows_after(echo, Mark::masscan_echo, [](auto& p) { p.payload_bytes = 56; }));
  EXPECT_FALSE(shows_after(echo, Mark::masscan_echo, [](auto& p) { p.ttl = 64; }));
}

TEST(Fingerprint, knows_nmaps_raw_syn) {
  EXPECT_TRUE(shows(nmap_syn(), Mark::nmap_syn));
  EXPECT_FALSE(shows_after(nmap_syn(), Mark::nmap_syn, [](auto& p) { p.window = 1025; }));
  EXPECT_FALSE(shows_after(nmap_syn(), Mark::nmap_syn, [](auto& p) { p.ttl = 240; }));
  EXPECT_FALSE(shows_after(nmap_syn(), Mark::nmap_syn, [](auto& p) { p.traits = kDontFragment; }));
  EXPECT_FALSE(
      shows_after(nmap_syn(), Mark::nmap_syn, [](auto& p) { wire::set_tcp_layout(p, 0); }));
  EXPECT_TRUE(shows_after(nmap_syn(), Mark::nmap_old_syn, [](auto& p) { p.window = 3072; }));
  EXPECT_FALSE(shows_after(nmap_syn(), Mark::nmap_old_syn, [](auto& p) { p.window = 5120; }));
}

TEST(Fingerprint, knows_nmaps_probes_without_syn) {
  wire::Probe ack = tcp(kScan, kAckFlag);
  ack.window = 1024;
  ack.acknowledgement = 0x77777777;
  EXPECT_TRUE(shows(ack, Mark::nmap_ack));
  EXPECT_TRUE(shows_after(ack, Mark::nmap_ack, [](auto& p) { p.tcp_flags = kFinAck; }));
  EXPECT_FALSE(shows_after(ack, Mark::nmap_ack, [](auto& p) { p.sequence = 1; }));
  EXPECT_FALSE(shows_after(ack, Mark::nmap_ack, [](auto& p) { p.payload_bytes = 1; }));
  EXPECT_FALSE(shows_after(ack, Mark::nmap_ack, [](auto& p) { p.tcp_flags = kRstAck; }));
  for (const std::uint8_t flags : {0x00, 0x01, 0x29}) {
    wire::Probe odd = tcp(kScan, flags);
    odd.window = 1024;
    odd.sequence = 0x5eed;
    EXPECT_TRUE(shows(odd, Mark::nmap_odd_flags)) << int{flags};
    EXPECT_FALSE(shows_after(odd, Mark::nmap_odd_flags, [](auto& p) { p.acknowledgement = 1; }));
    EXPECT_FALSE(shows_after(odd, Mark::nmap_odd_flags, [](auto& p) { p.window = 512; }));
  }
}

TEST(Fingerprint, knows_nmaps_operating_system_detection) {
  wire::Probe probe = plain_syn();
  wire::set_tcp_layout(probe, wire::tcp_option::order({wire::tcp_option::kTimestamps}) |
                                  wire::tcp_option::kStampOnes);
  EXPECT_TRUE(shows(probe, Mark::nmap_os_syn));
  wire::set_tcp_layout(probe, wire::tcp_option::order({wire::tcp_option::kTimestamps}) |
                                  wire::tcp_option::kStampAny);
  EXPECT_FALSE(shows(probe, Mark::nmap_os_syn));
  wire::set_tcp_layout(probe, detail::kNmapEcn | wire::tcp_option::kMss1460);
  probe.tcp_flags = 0xc2;
  probe.window = 3;
  EXPECT_TRUE(shows(probe, Mark::nmap_os_syn));
  EXPECT_FALSE(shows_after(probe, Mark::nmap_os_syn, [](auto& p) { p.window = 4; }));
  EXPECT_FALSE(shows_after(probe, Mark::nmap_os_syn, [](auto& p) { p.tcp_flags = kSynFlag; }));
  wire::Probe echo = icmp(kScan, 8, 9);
  echo.sequence = 0x12340000 | 295;
  echo.payload_bytes = 120;
  EXPECT_TRUE(shows(echo, Mark::nmap_os_echo));
  EXPECT_FALSE(shows_after(echo, Mark::nmap_os_echo, [](auto& p) { p.icmp_code = 0; }));
  wire::Probe datagram = udp(kScan);
  datagram.payload_bytes = 300;
  datagram.identification = 0x1042;
  EXPECT_TRUE(shows(datagram, Mark::nmap_os_udp));
  EXPECT_FALSE(shows_after(datagram, Mark::nmap_os_udp, [](auto& p) { --p.payload_bytes; }));
}

TEST(Fingerprint, knows_headers_that_nmap_cuts_or_leaves_empty) {
  wire::Probe cut = tcp(kScan, 0);
  cut.outcome = wire::ParseOutcome::truncated_transport;
  cut.traits = wire::trait::kFragment;
  EXPECT_TRUE(shows(cut, Mark::nmap_fragment));
  EXPECT_FALSE(shows_after(cut, Mark::nmap_fragment, [](auto& p) { p.traits = 0; }));
  EXPECT_FALSE(shows_after(cut, Mark::nmap_fragment, [](auto& p) { p.protocol = 17; }));
  wire::Probe init = tcp(kScan, 0);
  init.outcome = wire::ParseOutcome::sctp;
  init.icmp_type = 1;
  init.payload_bytes = 20;
  EXPECT_TRUE(shows(init, Mark::nmap_sctp_init));
  EXPECT_FALSE(shows_after(init, Mark::nmap_sctp_init, [](auto& p) { p.payload_bytes = 32; }));
  EXPECT_TRUE(shows_after(init, Mark::masscan_sctp, [](auto& p) { p.ttl = 250; }));
  EXPECT_FALSE(shows_after(init, Mark::nmap_sctp_init, [](auto& p) { p.ttl = 250; }));
  init.icmp_type = 10;
  EXPECT_FALSE(shows(init, Mark::nmap_sctp_cookie_echo)) << "a cookie is inside";
  for (const std::uint16_t bytes : {4, 8}) {
    init.payload_bytes = bytes;
    EXPECT_TRUE(shows(init, Mark::nmap_sctp_cookie_echo)) << bytes;
  }
  wire::Probe protocol = tcp(kScan, 0);
  protocol.outcome = wire::ParseOutcome::other_protocol;
  EXPECT_TRUE(shows(protocol, Mark::nmap_protocol));
  EXPECT_FALSE(shows_after(protocol, Mark::nmap_protocol, [](auto& p) { p.payload_bytes = 8; }));
}

TEST(Fingerprint, knows_hping_scapy_and_older_tools) {
  EXPECT_TRUE(shows(hping_syn(), Mark::hping_acknowledgement));
  const Change none = [](auto& p) { p.acknowledgement = 0; };
  EXPECT_FALSE(shows_after(hping_syn(), Mark::hping_acknowledgement, none));
  EXPECT_FALSE(
      shows_after(hping_syn(), Mark::hping_acknowledgement, [](auto& p) { p.window = 513; }));
  EXPECT_FALSE(shows_after(hping_syn(), Mark::hping_acknowledgement,
                           [](auto& p) { p.tcp_flags = kAckFlag; }));
  wire::Probe scapy = plain_syn();
  scapy.identification = 1;
  scapy.sequence = 0;
  scapy.window = 8192;
  EXPECT_TRUE(shows(scapy, Mark::scapy_defaults));
  EXPECT_FALSE(shows_after(scapy, Mark::scapy_defaults, [](auto& p) { p.sequence = 1; }));
  EXPECT_FALSE(shows_after(scapy, Mark::scapy_defaults, [](auto& p) { p.identification = 2; }));
  wire::Probe synfin = tcp(kScan, 0x03);
  synfin.identification = 39426;
  EXPECT_TRUE(shows(synfin, Mark::synscan_identification));
  EXPECT_FALSE(
      shows_after(synfin, Mark::synscan_identification, [](auto& p) { p.tcp_flags = kSynFlag; }));
  wire::Probe ipeye = plain_syn();
  ipeye.sequence = 1958810375;
  EXPECT_TRUE(shows(ipeye, Mark::ipeye_sequence));
  EXPECT_FALSE(shows_after(ipeye, Mark::ipeye_sequence, [](auto& p) { ++p.sequence; }));
  wire::Probe myscan = plain_syn();
  myscan.source_port = 10101;
  myscan.ttl = 240;
  EXPECT_TRUE(shows(myscan, Mark::myscan_source_port));
  EXPECT_FALSE(shows_after(myscan, Mark::myscan_source_port, [](auto& p) { p.ttl = 128; }));
}

TEST(Fingerprint, finds_nothing_in_resets_and_answers) {
  wire::Probe probe = hping_syn();
  for (const std::uint8_t flags : {kRstFlag, kRstAck, kSynAck}) {
    probe.tcp_flags = flags;
    EXPECT_EQ(marks_of(probe), 0u);
  }
}

TEST(ToolNames, say_each_mark_in_words_of_its_own) {
  std::set<std::string_view> said;
  for (std::size_t i = 0; i < kMarks; ++i) {
    const MarkMeaning& meaning = meaning_of(static_cast<Mark>(i));
    EXPECT_TRUE(said.insert(meaning.words).second) << meaning.words;
    EXPECT_GE(meaning.often, meaning.once);
    EXPECT_EQ(meaning.tool == Tool::none, i == 0 || meaning.mark == Mark::said_so);
  }
  EXPECT_EQ(to_string(Tool::myscan), "myscan");
  EXPECT_EQ(to_string(static_cast<Tool>(200)), "unknown");
}

}  // namespace
}  // namespace edgesentry::scan
