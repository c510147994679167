// What the engine finds, and what it leaves alone.
#include "scan/inspect.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "scan/probes.h"

namespace edgesentry::scan {
namespace {

const base::Ip kScanner = ip4(198, 51, 100, 7);
const base::Ip kServer = ip4(10, 0, 0, 1);

Flow to_port(std::uint16_t port) {
  return {kScanner, kServer, 40000, port};
}

TEST(Inspector, decides_on_the_fifth_refusal_and_drops_from_then_on) {
  Bench bench;
  std::uint16_t port = 1;
  for (; port <= 5; ++port) EXPECT_EQ(bench.knock_closed(to_port(port)), Verdict::pass) << port;
  ASSERT_EQ(bench.alerts.size(), 1u);
  const Alert& alert = bench.alerts[0];
  EXPECT_EQ(alert.source, kScanner);
  EXPECT_EQ(alert.technique, Technique::tcp_syn);
  EXPECT_EQ(alert.shape, Shape::vertical);
  EXPECT_EQ(alert.reason, Reason::failed_attempts);
  EXPECT_EQ(alert.failures, 5u);
  EXPECT_EQ(alert.port_count, 5u);
  EXPECT_TRUE(alert.dropping);
  for (; port < 100; ++port) EXPECT_EQ(bench.knock_closed(to_port(port)), Verdict::drop);
  EXPECT_EQ(bench.alerts.size(), 1u) << "one alert per scan";
}

TEST(Inspector, drops_the_deciding_packet_itself) {
  Bench bench;
  EXPECT_EQ(bench.act(tcp(to_port(1), 0)), Verdict::pass);
  EXPECT_EQ(bench.act(tcp(to_port(2), 0)), Verdict::pass);
  EXPECT_EQ(bench.act(tcp(to_port(3), 0)), Verdict::drop);
  EXPECT_EQ(bench.alerts.at(0).technique, Technique::tcp_null);
}

TEST(Inspector, finds_a_scan_that_nobody_answers) {
  Bench bench;
  for (std::uint16_t port = 1; port <= 6; ++port) bench.act(tcp(to_port(port), kSynFlag));
  EXPECT_TRUE(bench.alerts.empty()) << "answers may still come";
  bench.pass_time(base::seconds(5));
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(bench.act(tcp(to_port(7), kSynFlag)), Verdict::drop);
}

TEST(Inspector, finds_a_udp_scan_by_its_unreachables) {
  Bench bench;
  for (std::uint16_t port = 1; port <= 6; ++port) {
    if (bench.act(udp(to_port(port))) == Verdict::drop) break;
    bench.hear(unreachable(to_port(port)));
  }
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(bench.alerts[0].technique, Technique::udp);
}

TEST(Inspector, finds_an_ack_scan_by_its_resets) {
  Bench bench;
  for (std::uint16_t port = 1; port <= 8; ++port) {
    if (bench.act(tcp(to_port(port), kAckFlag)) == Verdict::drop) break;
    bench.hear(tcp(to_port(port).back(), kRstFlag));
  }
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(bench.alerts[0].technique, Technique::tcp_ack);
}

TEST(Inspector, finds_a_sweep) {
  Bench bench;
  for (std::uint32_t host = 1; host <= 20; ++host)
    bench.act(tcp({kScanner, base::Ip::v4(0x0a000000 + host), 40000, 23}, kSynFlag));
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(bench.alerts[0].shape, Shape::horizontal);
  EXPECT_EQ(bench.alerts[0].target_count, 15u);
}

TEST(Inspector, finds_a_fast_scan_of_some_hosts_that_nobody_answers) {
  Bench bench;
  std::uint32_t sent = 0;
  for (std::uint16_t port = 1; port <= 200 && bench.alerts.empty(); ++port)
    for (std::uint32_t host = 1; host <= 10 && bench.alerts.empty(); ++host, ++sent)
      bench.act(tcp({kScanner, base::Ip::v4(0x0a000000 + host), 40000, port}, kSynFlag));
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_LE(sent, 64u);
}

TEST(Inspector, counts_retransmissions_once) {
  Bench bench;
  for (int i = 0; i < 100; ++i) {
    bench.act(tcp(to_port(8080), kSynFlag));
    bench.hear(tcp(to_port(8080).back(), kRstAck));
    bench.act(tcp(to_port(8081), kSynFlag));
    bench.hear(tcp(to_port(8081).back(), kRstAck));
  }
  EXPECT_TRUE(bench.alerts.empty());
}

TEST(Inspector, leaves_a_client_of_many_services_alone) {
  Bench bench;
  for (std::uint16_t port = 1; port <= 60; ++port) bench.converse(to_port(port));
  EXPECT_TRUE(bench.alerts.empty());
}

TEST(Inspector, leaves_clients_of_a_service_that_went_down_alone) {
  Bench bench;
  bench.converse({ip4(203, 0, 113, 1), kServer, 40000, 8080});
  for (std::uint32_t client = 0; client < 200; ++client) {
    const base::Ip source = base::Ip::v4(0xc6336400 + client);
    for (std::uint16_t again = 0; again < 5; ++again)
      bench.knock_closed({source, kServer, static_cast<std::uint16_t>(40000 + again), 8080});
  }
  EXPECT_TRUE(bench.alerts.empty());
}

TEST(Inspector, leaves_backscatter_alone) {
  Bench bench;
  for (std::uint16_t port = 1; port <= 500; ++port) {
    bench.act(tcp({kScanner, base::Ip::v4(0x0a000000u + port), 80, port}, kSynAck));
    bench.act(tcp({kScanner, base::Ip::v4(0x0a000000u + port), 80, port}, kRstAck));
  }
  EXPECT_TRUE(bench.alerts.empty());
}

TEST(Inspector, leaves_a_server_alone_that_answers_protected_clients) {
  Bench bench;
  for (std::uint16_t port = 50000; port < 50100; ++port) {
    const Flow call{kServer, kScanner, port, 8443};
    bench.hear(tcp(call, kSynFlag));
    bench.act(tcp(call.back(), kSynAck));
    bench.act(tcp(call.back(), kAckFlag, 1000));
    bench.act(tcp(call.back(), kFinAck));
    bench.hear(tcp(call, kRstFlag));
  }
  EXPECT_TRUE(bench.alerts.empty());
}

TEST(Inspector, touches_a_trap_only_where_no_service_answers) {
  Bench bench;
  bench.policy.watched_tcp.insert(143);
  bench.policy.thresholds.scan_trigger = 1;
  bench.converse(to_port(143));
  EXPECT_TRUE(bench.alerts.empty());
  bench.knock_closed({kScanner, ip4(10, 0, 0, 2), 40000, 143});
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(bench.alerts[0].shape, Shape::trap);
  EXPECT_EQ(bench.alerts[0].reason, Reason::watched_port);
}

TEST(Inspector, reports_a_touch_below_the_trigger_without_deciding) {
  Bench bench;
  bench.policy.watched_tcp.insert(23);
  bench.policy.thresholds.scan_trigger = 2;
  EXPECT_EQ(bench.knock_closed(to_port(23)), Verdict::pass);
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(bench.alerts[0].kind, AlertKind::touch);
  EXPECT_FALSE(bench.alerts[0].dropping);
}

TEST(Inspector, decides_the_same_for_any_batching) {
  std::vector<wire::Probe> probes;
  for (std::uint16_t i = 0; i < 64; ++i)
    probes.push_back(
        tcp({base::Ip::v4(0xc6336400u + i % 3), kServer, 40000, i}, i % 2 ? 0 : kSynFlag));
  std::vector<std::vector<Verdict>> runs;
  for (const std::size_t batch : {1u, 7u, 32u, 64u}) {
    Bench bench;
    std::vector<Verdict> verdicts(probes.size());
    for (std::size_t at = 0; at < probes.size(); at += batch) {
      const std::size_t count = std::min(batch, probes.size() - at);
      bench.inspector->inspect({&probes[at], count}, Role::actor, bench.now, bench.policy,
                               {&verdicts[at], count}, bench.outbox);
    }
    runs.push_back(verdicts);
  }
  for (const auto& run : runs) EXPECT_EQ(run, runs[0]);
  EXPECT_NE(std::count(runs[0].begin(), runs[0].end(), Verdict::drop), 0);
}

constexpr base::Micros kDay = base::seconds(86'400);

// A client that is never quiet for as long as the window, as visited hosts know many.
void live_on(Bench& bench, const base::Ip& client, const base::Ip& server, int days) {
  for (int quarter = 0; quarter < 4 * days; ++quarter) {
    bench.pass_time(base::Micros{kDay.value / 4});
    bench.converse({client, server, static_cast<std::uint16_t>(50000 + quarter), 80});
  }
}

TEST(Window, failures_that_have_left_it_do_not_add_up) {
  Bench bench;
  const base::Ip client = ip4(198, 51, 100, 60), server = ip4(10, 0, 0, 1);
  std::uint16_t port = 1000;
  for (int i = 0; i < 8; ++i) {
    bench.knock_closed({client, server, 40000, port++});
    live_on(bench, client, server, 2);
  }
  for (int i = 0; i < 3; ++i) bench.knock_closed({client, server, 40000, port++});
  EXPECT_TRUE(bench.alerts.empty());
  for (int i = 0; i < 3; ++i) bench.knock_closed({client, server, 40000, port++});
  EXPECT_EQ(bench.alerts.size(), 1u) << "fresh ones do";
}

TEST(Window, kinds_of_odd_packets_that_have_left_it_do_not_add_up) {
  Bench bench;
  const base::Ip client = ip4(198, 51, 100, 61), server = ip4(10, 0, 0, 1);
  for (const std::uint8_t flags : {0x01, 0x00, 0x29}) {
    bench.act(tcp({client, server, 40000, 80}, flags));
    live_on(bench, client, server, 7);
  }
  EXPECT_TRUE(bench.alerts.empty());
  for (const std::uint8_t flags : {0x01, 0x00, 0x29})
    bench.act(tcp({client, server, 40000, 80}, flags));
  EXPECT_EQ(bench.alerts.size(), 1u);
}

TEST(Window, touches_that_have_left_it_do_not_add_up) {
  Bench bench;
  bench.policy.watched_tcp = base::PortSet::parse("1,11,15").value();
  bench.policy.thresholds.scan_trigger = 2;
  const base::Ip client = ip4(198, 51, 100, 62), server = ip4(10, 0, 0, 1);
  const auto decided = [&] {
    return std::count_if(bench.alerts.begin(), bench.alerts.end(),
                         [](const Alert& alert) { return alert.kind == AlertKind::decision; });
  };
  for (const std::uint16_t port : {1, 11}) {
    bench.knock_closed({client, server, 40000, port});
    live_on(bench, client, server, 20);
  }
  EXPECT_EQ(decided(), 0);
  for (const std::uint16_t port : {1, 11}) bench.knock_closed({client, server, 40000, port});
  EXPECT_EQ(decided(), 1);
}

// SYNs that an operating system's connect() repeats twice, never answered, one host a minute.
int alerts_of_patient_calls(std::uint16_t port, int hosts) {
  Bench bench;
  for (int host = 0; host < hosts; ++host) {
    wire::Probe syn = tcp({ip4(198, 51, 100, 64), ip4(10, 0, 1, static_cast<std::uint32_t>(host)),
                           static_cast<std::uint16_t>(40000 + host), port},
                          kSynFlag);
    syn.traits = wire::trait::kTcpTimestamps | wire::trait::kTcpWindowScale;
    for (int i = 0; i < 3; ++i) {
      bench.act(syn);
      bench.pass_time(base::seconds(1));
    }
    bench.pass_time(base::seconds(57));
  }
  return static_cast<int>(bench.alerts.size());
}

TEST(Worm, is_found_however_patient_its_kernel_is) {
  EXPECT_EQ(alerts_of_patient_calls(445, 5), 0) << "the first contact is not kept";
  EXPECT_EQ(alerts_of_patient_calls(445, 6), 1);
  EXPECT_EQ(alerts_of_patient_calls(443, 60), 0) << "servers that are down";
}

// SYN-ACKs from `first`, then `step` further each, all to one port; each answered by a RST.
std::vector<Alert> alerts_of_lone_answers(std::uint16_t first, std::uint16_t step, int count) {
  Bench bench;
  for (int i = 0; i < count; ++i) {
    const Flow flow{kScanner, kServer, static_cast<std::uint16_t>(first + i * step), 80};
    bench.act(tcp(flow, kSynAck));
    bench.hear(tcp(flow.back(), kRstFlag));
  }
  return bench.alerts;
}

TEST(IdleScan, is_known_by_how_it_asks_the_zombie) {
  const auto alerts = alerts_of_lone_answers(41000, 1, 5);
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].technique, Technique::idle);
  EXPECT_TRUE(alerts[0].dropping);
}

TEST(IdleScan, is_not_what_victims_of_forged_calls_send) {
  EXPECT_TRUE(alerts_of_lone_answers(41000, 1, 4).empty()) << "one less";
  EXPECT_TRUE(alerts_of_lone_answers(41000, 0, 100).empty()) << "one service, over and over";
  EXPECT_TRUE(alerts_of_lone_answers(80, 1, 20).empty()) << "services";
  EXPECT_TRUE(alerts_of_lone_answers(33000, 100, 100).empty()) << "services far apart";
}

TEST(IpProtocol, scan_is_seen_by_its_answers_alone) {
  const auto unspoken = [](std::uint8_t protocol) {
    wire::Probe answer = unreachable({kScanner, kServer, 0, 0});
    answer.icmp_code = 2;
    answer.quoted_protocol = protocol;
    answer.quoted_source_port = answer.quoted_target_port = 0;
    return answer;
  };
  Bench bench;
  for (std::uint8_t protocol = 200; protocol < 204; ++protocol) bench.hear(unspoken(protocol));
  EXPECT_TRUE(bench.alerts.empty());
  bench.hear(unspoken(204));
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(bench.alerts[0].technique, Technique::ip_protocol);
  Bench once;
  for (int i = 0; i < 100; ++i) once.hear(unspoken(200));
  EXPECT_TRUE(once.alerts.empty()) << "one protocol that keeps being refused";
}

// Two refusals make a suspect; then a handshake with an open port, its last packet with `number`.
bool proves(std::uint32_t number, std::uint8_t flags, std::uint16_t port = 80) {
  Bench bench;
  const base::Ip source = ip4(198, 51, 100, 63), server = ip4(10, 0, 0, 1);
  for (const std::uint16_t closed : {1, 2}) bench.knock_closed({source, server, 40000, closed});
  for (const std::uint16_t open : {80, 443}) {
    bench.act(tcp({source, server, 40000, open}, kSynFlag));
    wire::Probe answer = tcp({server, source, open, 40000}, kSynAck);
    answer.sequence = 0xfffffffe + open;
    bench.hear(answer);
  }
  wire::Probe last = tcp({source, server, 40000, port}, flags);
  last.acknowledgement = number;
  bench.act(last);
  for (std::uint16_t closed = 3; closed < 20; ++closed)
    bench.knock_closed({source, server, 40000, closed});
  EXPECT_EQ(bench.alerts.size(), 1u);
  return !bench.alerts.empty() && bench.alerts[0].proven;
}

TEST(Proof, is_the_number_that_only_the_receiver_of_the_answer_knows) {
  const std::uint32_t right = 0xfffffffe + 443u + 1;
  EXPECT_TRUE(proves(right, kAckFlag, 443));
  EXPECT_FALSE(proves(right + 1, kAckFlag, 443)) << "a forger's guess";
  EXPECT_FALSE(proves(0, kAckFlag, 443));
  EXPECT_FALSE(proves(right, kAckFlag, 80)) << "the number of another connection";
  EXPECT_FALSE(proves(right, kRstFlag, 443)) << "whose address was forged sends that as well";
}

}  // namespace
}  // namespace edgesentry::scan
