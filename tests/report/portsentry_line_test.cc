#include "report/portsentry_line.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <set>

#include "report/timestamps.h"
#include "samples.h"

namespace edgesentry::report {
namespace {

namespace flag = wire::tcp_flag;

class PortsentryLine : public testing::Test {
 protected:
  void SetUp() override { set_zone("UTC"); }
  static void set_zone(const char* zone) {
    setenv("TZ", zone, 1);
    tzset();
  }
};

std::string flags_of(const Event& event) {
  const std::string text = scan_from_text(event);
  const auto at = text.find(" ignored: ");
  return at == std::string::npos ? text : text.substr(at + 1);
}

std::string type_of(const Event& event) {
  const std::string text = scan_from_text(event);
  const auto from = text.find(" type: [") + 8;
  return text.substr(from, text.find(']', from) - from);
}

TEST_F(PortsentryLine, is_byte_for_byte_what_portsentry_2_writes) {
  EXPECT_EQ(portsentry_line(sample_event()),
            "2026-11-22T06:54:30.239+0000 Scan from: [10.9.0.2] (10.9.0.2) protocol: [TCP] port: "
            "[11] type: [TCP SYN/Normal scan] IP opts: [not set] ignored: [false] triggered: "
            "[true] noblock: [false] blocked: [true]");
}

TEST_F(PortsentryLine, has_local_time_with_its_offset) {
  set_zone("IST-5:30");
  EXPECT_EQ(history_timestamp(sample_time()), "2026-11-22T12:24:30.239+0530");
  set_zone("NST3:30");
  EXPECT_EQ(history_timestamp(sample_time()), "2026-11-22T03:24:30.239-0330");
}

TEST_F(PortsentryLine, shows_each_outcome_by_its_flags) {
  EXPECT_EQ(flags_of(sample_event(Action::source_blocked)),
            "ignored: [false] triggered: [true] noblock: [false] blocked: [true]");
  EXPECT_EQ(flags_of(sample_event(Action::would_block)),
            "ignored: [false] triggered: [true] noblock: [true] blocked: [false]");
  EXPECT_EQ(flags_of(sample_event(Action::port_touched)),
            "ignored: [false] triggered: [false] noblock: [unset] blocked: [unset]");

  Event reported = sample_event(Action::source_blocked);
  reported.enforcement = Enforcement::none;
  EXPECT_EQ(flags_of(reported), flags_of(sample_event(Action::would_block)));
  reported.enforcement = Enforcement::command;
  EXPECT_EQ(flags_of(reported), flags_of(sample_event(Action::source_blocked)));

  Event ignored = sample_event(Action::scan_detected);
  ignored.ignored = true;
  EXPECT_EQ(flags_of(ignored),
            "ignored: [true] triggered: [unset] noblock: [unset] blocked: [unset]");

  Event failed = sample_event(Action::source_blocked);
  failed.block_failed = true;
  EXPECT_EQ(flags_of(failed),
            "ignored: [false] triggered: [true] noblock: [false] blocked: [false]");

  Event again = sample_event(Action::scan_detected);
  again.already_blocked = true;
  EXPECT_EQ(flags_of(again), flags_of(sample_event(Action::source_blocked)));
}

TEST_F(PortsentryLine, comes_once_per_block_and_never_for_what_is_no_scan) {
  for (const Action action :
       {Action::scan_detected, Action::block_expired, Action::source_unblocked, Action::appliance})
    EXPECT_EQ(portsentry_line(sample_event(action)), "");
  Event without_evidence = sample_event();
  without_evidence.alert.reset();
  EXPECT_EQ(portsentry_line(without_evidence), "");
}

TEST_F(PortsentryLine, shows_a_growing_scan_as_what_happens_to_its_packets) {
  Event event = sample_event(Action::scan_grew);
  EXPECT_EQ(flags_of(event), flags_of(sample_event(Action::source_blocked)));
  event.alert->dropping = false;
  EXPECT_EQ(flags_of(event), flags_of(sample_event(Action::would_block)));
}

TEST_F(PortsentryLine, names_the_type_by_the_flags_as_portsentry_does) {
  const auto type = [](std::uint8_t flags, scan::Technique technique) {
    Event event = sample_event();
    event.alert->tcp_flags = flags;
    event.alert->technique = technique;
    return type_of(event);
  };
  using scan::Technique;
  EXPECT_EQ(type(0, Technique::tcp_null), "TCP NULL scan");
  EXPECT_EQ(type(flag::kFin, Technique::tcp_fin), "TCP FIN scan");
  EXPECT_EQ(type(flag::kFin | flag::kUrg | flag::kPsh, Technique::tcp_xmas), "TCP XMAS scan");
  EXPECT_EQ(type(flag::kSyn | flag::kEce | flag::kCwr, Technique::tcp_syn), "TCP SYN/Normal scan");
  EXPECT_EQ(type(flag::kEce, Technique::tcp_other),
            "Unknown Type: TCP Packet Flags: SYN: 0 FIN: 0 ACK: 0 PSH: 0 URG: 0 RST: 0");
  EXPECT_EQ(type(flag::kSyn | flag::kFin, Technique::tcp_other),
            "Unknown Type: TCP Packet Flags: SYN: 1 FIN: 1 ACK: 0 PSH: 0 URG: 0 RST: 0");
  EXPECT_EQ(type(flag::kAck, Technique::tcp_ack), "TCP ACK scan");
  EXPECT_EQ(type(flag::kFin | flag::kAck, Technique::tcp_maimon), "TCP Maimon scan");
}

TEST_F(PortsentryLine, does_not_call_a_syn_scan_null_when_silence_decided) {
  Event event = sample_event();
  event.alert->tcp_flags = 0;
  EXPECT_EQ(type_of(event), "TCP SYN/Normal scan");
}

TEST_F(PortsentryLine, names_every_technique_differently_from_an_unknown_one) {
  Event event = sample_event();
  event.alert->protocol = IPPROTO_UDP;
  std::set<std::string> names;
  for (std::size_t i = 0; i < scan::kTechniqueNames.size(); ++i) {
    event.alert->technique = static_cast<scan::Technique>(i);
    names.insert(type_of(event));
  }
  EXPECT_EQ(names.count("unknown"), 0u);
  EXPECT_EQ(names.size(), scan::kTechniqueNames.size() - 1);  // SYN and connect share PortSentry's
}

TEST_F(PortsentryLine, tells_ip_options_only_for_ipv4) {
  Event event = sample_event();
  event.alert->ip_options = true;
  EXPECT_NE(scan_from_text(event).find("IP opts: [set]"), std::string::npos);
  event.alert->source = *base::Ip::parse("2001:db8::5");
  EXPECT_NE(scan_from_text(event).find(
                "[2001:db8::5] (2001:db8::5) protocol: [TCP] port: [11] type: [TCP SYN/Normal "
                "scan] IP opts: [unknown]"),
            std::string::npos);
}

TEST_F(PortsentryLine, calls_udp_udp) {
  Event event = sample_event();
  event.alert->protocol = IPPROTO_UDP;
  event.alert->technique = scan::Technique::udp;
  EXPECT_NE(scan_from_text(event).find("protocol: [UDP] port: [11] type: [UDP] IP opts"),
            std::string::npos);
}

TEST(SyslogTimestamp, pads_the_day_with_a_blank) {
  setenv("TZ", "UTC", 1);
  tzset();
  EXPECT_EQ(syslog_timestamp(sample_time()), "Nov 22 06:54:30");
  EXPECT_EQ(syslog_timestamp(sample_time() - std::chrono::days(20)), "Nov  2 06:54:30");
}

}  // namespace
}  // namespace edgesentry::report
